//! The language of content streams and character maps: tokens, and operators with their operands.
//!
//! Damaged streams are read as far as they make sense: what is no token is skipped, so that one bad byte costs a
//! word and not the rest of the page.

/// Arrays and dictionaries nested deeper than this are no text.
const MAX_DEPTH: usize = 16;
/// Operands that an operator is given at most; of more, the first are dropped. Maps list their codes as operands.
const MAX_OPERANDS: usize = 1 << 16;

/// What an operator is given.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Operand {
    Number(f32),
    Name(Vec<u8>),
    Text(Vec<u8>),
    Array(Vec<Operand>),
    /// Keys and values of a dictionary, in turn.
    Dictionary(Vec<Operand>),
}

impl Operand {
    pub fn number(&self) -> Option<f32> {
        if let Operand::Number(n) = self { Some(*n) } else { None }
    }

    pub fn name(&self) -> Option<&[u8]> {
        if let Operand::Name(name) = self { Some(name) } else { None }
    }

    pub fn text(&self) -> Option<&[u8]> {
        if let Operand::Text(text) = self { Some(text) } else { None }
    }

    /// The value under `key` of a dictionary.
    pub fn get(&self, key: &[u8]) -> Option<&Operand> {
        let Operand::Dictionary(entries) = self else { return None };
        let (pairs, _) = entries.as_chunks::<2>();
        pairs.iter().find(|pair| pair[0].name() == Some(key)).map(|pair| &pair[1])
    }
}

enum Token<'a> {
    Operand(Operand),
    Open,
    Close,
    OpenDictionary,
    CloseDictionary,
    Operator(&'a [u8]),
}

/// Operators of a stream, one after the other.
pub(super) struct Operators<'a> {
    bytes: &'a [u8],
    at: usize,
    /// Operands since the last operator.
    pub operands: Vec<Operand>,
}

impl<'a> Operators<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Operators { bytes, at: 0, operands: Vec::new() }
    }

    /// The next operator; its operands are in `operands`.
    pub fn next(&mut self) -> Option<&'a [u8]> {
        self.operands.clear();
        loop {
            let operand = match self.token()? {
                Token::Operator(b"BI") => {
                    self.skip_image();
                    self.operands.clear();
                    continue;
                }
                Token::Operator(name) => return Some(name),
                Token::Close | Token::CloseDictionary => continue,
                token => self.operand(token, 0),
            };
            if let Some(operand) = operand {
                if self.operands.len() == MAX_OPERANDS {
                    self.operands.drain(..MAX_OPERANDS / 2);
                }
                self.operands.push(operand);
            }
        }
    }

    fn operand(&mut self, token: Token<'a>, depth: usize) -> Option<Operand> {
        let is_array = match token {
            Token::Operand(operand) => return Some(operand),
            Token::Open => true,
            Token::OpenDictionary => false,
            // `true`, `null` and operators where none belong, which also stand for nothing here.
            Token::Operator(_) | Token::Close | Token::CloseDictionary => return None,
        };
        let mut items = Vec::new();
        while let Some(token) = self.token() {
            match token {
                Token::Close | Token::CloseDictionary => break,
                // The bracket was never closed: what follows shows text again.
                Token::Operator(name @ (b"ET" | b"BT" | b"Tj" | b"TJ")) => {
                    self.at -= name.len();
                    break;
                }
                Token::Operator(_) if !is_array => items.push(Operand::Number(0.0)),
                token if depth < MAX_DEPTH => items.extend(self.operand(token, depth + 1)),
                _ => {}
            }
        }
        Some(if is_array { Operand::Array(items) } else { Operand::Dictionary(items) })
    }

    fn token(&mut self) -> Option<Token<'a>> {
        loop {
            let byte = *self.bytes.get(self.at)?;
            self.at += 1;
            return Some(match byte {
                b'%' => {
                    self.take_while(|b| b != b'\n' && b != b'\r');
                    continue;
                }
                b'[' | b'{' => Token::Open,
                b']' | b'}' => Token::Close,
                b'(' => Token::Operand(Operand::Text(self.string())),
                b'<' if self.bytes.get(self.at) == Some(&b'<') => {
                    self.at += 1;
                    Token::OpenDictionary
                }
                b'>' if self.bytes.get(self.at) == Some(&b'>') => {
                    self.at += 1;
                    Token::CloseDictionary
                }
                b'<' => Token::Operand(Operand::Text(self.hexadecimal())),
                b'/' => Token::Operand(Operand::Name(self.name())),
                b'+' | b'-' | b'.' | b'0'..=b'9' => {
                    self.at -= 1;
                    Token::Operand(Operand::Number(self.number()))
                }
                byte if is_regular(byte) => {
                    self.at -= 1;
                    Token::Operator(self.take_while(is_regular))
                }
                _ => continue,
            });
        }
    }

    fn take_while(&mut self, wanted: impl Fn(u8) -> bool) -> &'a [u8] {
        let rest = &self.bytes[self.at..];
        let length = rest.iter().position(|b| !wanted(*b)).unwrap_or(rest.len());
        self.at += length;
        &rest[..length]
    }

    /// A number as other programs read it: `-.5`, `--5`, `1.2.3`, `5-3` all occur.
    fn number(&mut self) -> f32 {
        let digits = self.take_while(|b| matches!(b, b'+' | b'-' | b'.' | b'0'..=b'9'));
        let sign = if digits.first() == Some(&b'-') { -1.0 } else { 1.0 };
        let (mut value, mut scale) = (0f64, 0f64);
        let unsigned = digits.iter().skip_while(|b| matches!(b, b'+' | b'-'));
        for byte in unsigned {
            match byte {
                b'.' if scale == 0.0 => scale = 1.0,
                b'0'..=b'9' => {
                    value = value * 10.0 + f64::from(byte - b'0');
                    scale *= 10.0;
                }
                _ => break,
            }
        }
        (sign * value / scale.max(1.0)) as f32
    }

    fn name(&mut self) -> Vec<u8> {
        let raw = self.take_while(is_regular);
        let mut name = Vec::with_capacity(raw.len());
        let mut at = 0;
        while let Some(&byte) = raw.get(at) {
            let escaped = raw.get(at + 1..at + 3).filter(|_| byte == b'#');
            match escaped.and_then(|hex| Some(hex_value(hex[0])? << 4 | hex_value(hex[1])?)) {
                Some(value) => {
                    name.push(value);
                    at += 3;
                }
                None => {
                    name.push(byte);
                    at += 1;
                }
            }
        }
        name
    }

    fn string(&mut self) -> Vec<u8> {
        let mut text = Vec::new();
        let mut depth = 1;
        while let Some(&byte) = self.bytes.get(self.at) {
            self.at += 1;
            match byte {
                b'(' => depth += 1,
                b')' => depth -= 1,
                b'\\' => {
                    text.extend(self.escaped());
                    continue;
                }
                _ => {}
            }
            if depth == 0 {
                break;
            }
            text.push(byte);
        }
        text
    }

    /// What a backslash and the characters after it stand for.
    fn escaped(&mut self) -> Option<u8> {
        let byte = *self.bytes.get(self.at)?;
        self.at += 1;
        match byte {
            b'n' => Some(b'\n'),
            b'r' => Some(b'\r'),
            b't' => Some(b'\t'),
            b'b' => Some(8),
            b'f' => Some(12),
            b'\r' => {
                self.at += usize::from(self.bytes.get(self.at) == Some(&b'\n'));
                None
            }
            b'\n' => None,
            b'0'..=b'7' => {
                let mut value = u32::from(byte - b'0');
                for _ in 0..2 {
                    match self.bytes.get(self.at) {
                        Some(digit @ b'0'..=b'7') => value = value * 8 + u32::from(digit - b'0'),
                        _ => break,
                    }
                    self.at += 1;
                }
                Some(value as u8)
            }
            other => Some(other),
        }
    }

    fn hexadecimal(&mut self) -> Vec<u8> {
        let raw = self.take_while(|b| b != b'>');
        self.at += 1;
        let mut digits: Vec<u8> = raw.iter().filter_map(|b| hex_value(*b)).collect();
        if digits.len() % 2 == 1 {
            digits.push(0);
        }
        digits.as_chunks::<2>().0.iter().map(|[high, low]| high << 4 | low).collect()
    }

    /// An image inside of the stream: ends at the `EI` between white space behind which text follows.
    fn skip_image(&mut self) {
        let rest = &self.bytes[self.at.min(self.bytes.len())..];
        let is_end = |at: &usize| {
            let after = rest.get(at + 3..(at + 16).min(rest.len())).unwrap_or_default();
            is_white(rest[*at])
                && rest.get(at + 1..at + 3) == Some(b"EI")
                && after.first().is_none_or(|b| is_white(*b))
                && after.iter().all(|b| is_white(*b) || b.is_ascii_graphic())
        };
        self.at += (0..rest.len()).find(is_end).map_or(rest.len(), |at| at + 3);
    }
}

fn hex_value(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).map(|value| value as u8)
}

fn is_white(byte: u8) -> bool {
    matches!(byte, 0 | b'\t' | b'\n' | 12 | b'\r' | b' ')
}

fn is_regular(byte: u8) -> bool {
    !is_white(byte) && !matches!(byte, b'(' | b')' | b'<' | b'>' | b'[' | b']' | b'{' | b'}' | b'/' | b'%')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(bytes: &[u8]) -> Vec<(String, Vec<Operand>)> {
        let mut operators = Operators::new(bytes);
        let mut found = Vec::new();
        while let Some(name) = operators.next() {
            found.push((String::from_utf8_lossy(name).into_owned(), operators.operands.clone()));
        }
        found
    }

    #[test]
    fn operators_come_with_their_operands() {
        let text = |t: &[u8]| Operand::Text(t.to_vec());
        let found = all(b"/F1 12 Tf % size\n[(a\\(b\\051)-.5<4142 4>] TJ (\\101\\\n(in)) Tj");
        assert_eq!(found[0], ("Tf".into(), vec![Operand::Name(b"F1".to_vec()), Operand::Number(12.0)]));
        let array = Operand::Array(vec![text(b"a(b)"), Operand::Number(-0.5), text(b"AB@")]);
        assert_eq!(found[1], ("TJ".into(), vec![array]));
        assert_eq!(found[2], ("Tj".into(), vec![text(b"A(in)")]));
    }

    #[test]
    fn dictionaries_are_looked_up_by_name() {
        let found = all(b"/Span<</Lang(ar)/MCID 3/E true/ActualText<FEFF0041>>>BDC");
        assert_eq!(found[0].0, "BDC");
        assert_eq!(found[0].1[1].get(b"ActualText").and_then(Operand::text), Some(&b"\xFE\xFF\0A"[..]));
        assert_eq!(found[0].1[1].get(b"MCID").and_then(Operand::number), Some(3.0));
    }

    #[test]
    fn images_and_damage_do_not_hide_what_follows() {
        for bytes in [
            &b"BI /W 2 ID \x01 EI\x02(Tj EI Q (a) Tj"[..],
            b"[(x) -250 (a) Tj",
            b"\xFF\xFE ) > ] (a) Tj",
            b"[[[[[[[[[[[[[[[[[[[[[[[[[[(b)]]]]]]]]]]]]]]]]]]]]]]]]]] TJ (a) Tj",
        ] {
            let found = all(bytes);
            let last = found.last().unwrap();
            assert_eq!(last.0, "Tj", "{found:?}");
        }
        assert!(all(b"(never closed").is_empty());
    }

    #[test]
    fn numbers_are_read_as_other_programs_read_them() {
        for (text, value) in
            [("-.5", -0.5), ("--5", -5.0), ("1.25", 1.25), ("5-3", 5.0), ("+7", 7.0), (".", 0.0)]
        {
            assert_eq!(all(format!("{text} w").as_bytes())[0].1, [Operand::Number(value)], "{text}");
        }
    }
}
