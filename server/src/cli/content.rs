//! How keys and values of records are shown: they are bytes, and may be anything.

use serde_json::{Map, Value};
use std::fmt::Write;

/// Puts bytes into a JSON line: under `name` if they are text, under `name_base64` (RFC 4648, padded) if they are not, so that a script
/// gets every byte. Null is null.
pub fn put(line: &mut Map<String, Value>, name: &str, bytes: Option<&[u8]>) {
    let (name, value) = match bytes.map(|bytes| (bytes, std::str::from_utf8(bytes))) {
        None => (name.to_string(), Value::Null),
        Some((_, Ok(text))) => (name.to_string(), text.into()),
        Some((bytes, Err(_))) => (format!("{name}_base64"), base64(bytes).into()),
    };
    line.insert(name, value);
}

/// Bytes for a terminal: text as it is, and what could steer a terminal, a backslash, or what is no text, as a Rust literal has it.
pub fn escaped(bytes: &[u8]) -> String {
    let mut shown = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for char in chunk.valid().chars() {
            if char == '\\' || char.is_control() || is_invisible(char) {
                shown.extend(char.escape_default());
            } else {
                shown.push(char);
            }
        }
        for byte in chunk.invalid() {
            // Writing to a text cannot fail.
            let _ = write!(shown, "\\x{byte:02x}");
        }
    }
    shown
}

/// Marks that turn the direction of text, and line separators: a terminal obeys them without showing them.
const fn is_invisible(char: char) -> bool {
    matches!(char, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for three in bytes.chunks(3) {
        let byte = |place: usize| u32::from(three.get(place).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for place in 0..4 {
            let digit = DIGITS[(bits >> (18 - 6 * place) & 63) as usize];
            text.push(if place <= three.len() { char::from(digit) } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The values of RFC 4648, section 10.
    #[test]
    fn base64_is_that_of_the_rfc() {
        for (bytes, text) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(base64(bytes.as_bytes()), text);
        }
        assert_eq!(base64(&[0xff, 0xfe, 0xfd]), "//79");
    }

    #[test]
    fn text_is_text_and_anything_else_is_told_apart() {
        let mut line = Map::new();
        put(&mut line, "key", None);
        put(&mut line, "value", Some(b"\xff\x00"));
        put(&mut line, "name", Some("süß".as_bytes()));
        assert_eq!(Value::from(line), serde_json::json!({"key": null, "value_base64": "/wA=", "name": "süß"}));
    }

    #[test]
    fn a_terminal_is_not_steered() {
        assert_eq!(escaped("süß".as_bytes()), "süß");
        assert_eq!(escaped(b"a\x1b[2J\r\n\x07\\"), r"a\u{1b}[2J\r\n\u{7}\\");
        assert_eq!(escaped(b"\xff\xc3("), r"\xff\xc3(");
        assert_eq!(escaped("\u{9b}1m\u{202e}".as_bytes()), r"\u{9b}1m\u{202e}");
    }
}
