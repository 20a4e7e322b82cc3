//! Text for the clipboard of the person's terminal, by the escape sequence OSC 52, which works through ssh too.

/// Terminals differ in how much they take; more than this many bytes is not for a clipboard.
pub const COPY_AT_MOST: usize = 100_000;

/// The bytes that, written to a terminal, put a text into its clipboard. The text itself goes as base64, so nothing in it
/// reaches the terminal as it is.
pub fn to_clipboard(text: &str) -> String {
    format!("\x1b]52;c;{}\x07", base64(text.as_bytes()))
}

/// RFC 4648, with padding.
fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for part in bytes.chunks(3) {
        let byte = |i: usize| u32::from(part.get(i).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for place in 0..4 {
            if place <= part.len() {
                let sextet = bits >> (18 - 6 * place) & 0x3f;
                out.push(char::from(ALPHABET[sextet as usize]));
            } else {
                out.push('=');
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_goes_as_base64_of_the_standard() {
        // The examples of RFC 4648, and bytes that use all of the alphabet's end.
        for (text, encoded) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
            ("\u{1b}]52;c;\u{7}", "G101MjtjOwc="),
            ("ÿþ~?", "w7/Dvn4/"),
        ] {
            assert_eq!(base64(text.as_bytes()), encoded, "{text:?}");
            let whole = to_clipboard(text);
            assert_eq!(whole, format!("\x1b]52;c;{encoded}\x07"));
        }
    }
}
