//! The cluster's state: brokers, topics, partitions, configs, producer ids, as an image that records change.
//!
//! Every node applies the committed records of the metadata log to its [`Image`], in order, and acts on the [`Change`]
//! that each one made. The active controller keeps a second image, ahead of the committed one, to which it applies its
//! own records as it appends them. [`Image::apply`] is the only way in which an image changes.
//!
//! | file | what it does |
//! |---|---|
//! | `text` | names and values, shared when cloned |
//! | `broker`, `topic` | what is known of a broker, of a topic and its partitions |
//! | `record` | the records: what the metadata log says |
//! | `codec` | their bytes, in a versioned envelope |
//! | `image` | the whole, and looking things up in it |
//! | `apply` | a record changes the image |
//! | `snapshot` | the image as records |

mod apply;
mod broker;
mod codec;
mod image;
mod record;
mod snapshot;
mod text;
mod topic;

pub use apply::Change;
pub use broker::{Broker, Endpoint};
pub use codec::{CodecError, decode, encode};
pub use image::Image;
pub use record::{Record, Resource};
pub use text::Text;
pub use topic::{Configs, Partition, Topic, is_internal};
