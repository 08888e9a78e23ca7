//! Frames: which versions are served, decoding, encoding, the order of replies.
