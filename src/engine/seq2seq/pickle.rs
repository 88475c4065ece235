//! Pickles as PyTorch writes them (protocol 2), read as data: nothing that they name is imported or called.
//!
//! Values lie in one list and refer to each other by their places in it, so that neither nesting nor what is remembered
//! and used again costs more than a place each. (candle's reader copies what is used again, so that a file of a
//! kilobyte fills any memory, and its values nest, so that a file of a megabyte overflows the stack.) `Lib/pickletools.py`
//! of CPython says what the codes mean.

use std::collections::HashMap;
use std::io::{BufRead, Read};

/// Codes and bytes of a text beyond which a pickle is no directory of tensors: those of the largest models have tens of
/// thousands of codes. Each code takes a few places at most.
const MOST_CODES: usize = 1 << 20;
const LONGEST_TEXT: u64 = 1 << 16;

/// A value's place in its [`Pickle`].
pub type Place = usize;

/// What a pickle describes. Those that others are made of were read before them, but for the items of lists and
/// dictionaries.
#[derive(Debug, PartialEq)]
pub enum Value {
    /// A whole number of up to 64 bits.
    Int(i64),
    /// Text.
    Text(String),
    /// A class or function, by its name alone.
    Class(String),
    /// A tuple.
    Tuple(Vec<Place>),
    /// A list.
    List(Vec<Place>),
    /// A dictionary, in the order in which it was filled.
    Dict(Vec<(Place, Place)>),
    /// A class or function applied to a tuple.
    Call {
        /// The class or function.
        class: Place,
        /// The tuple.
        args: Place,
    },
    /// Something that lies elsewhere in the file.
    Persistent(Place),
    /// Anything else: none, truth values, floating-point numbers, larger integers.
    Other,
    /// Where a tuple or the items of a list begin.
    Mark,
}

/// A pickle that was read.
#[derive(Debug)]
pub struct Pickle {
    values: Vec<Value>,
    root: Place,
}

impl Pickle {
    /// The value that it is.
    pub fn root(&self) -> &Value {
        self.get(self.root)
    }

    /// The value at a place of it.
    pub fn get(&self, place: Place) -> &Value {
        &self.values[place]
    }
}

/// Reads one pickle and leaves the reader behind its end.
///
/// # Errors
/// What is wrong, in words.
pub fn read(reader: &mut impl BufRead) -> Result<Pickle, String> {
    let mut machine = Machine { reader, values: Vec::new(), stack: Vec::new(), memo: HashMap::new() };
    for codes in 0.. {
        if codes == MOST_CODES {
            return Err(format!("it has more than {MOST_CODES} codes"));
        }
        if !machine.step()? {
            break;
        }
    }
    let root = machine.pop()?;
    Ok(Pickle { values: machine.values, root })
}

struct Machine<'r, R> {
    reader: &'r mut R,
    values: Vec<Value>,
    stack: Vec<Place>,
    memo: HashMap<u32, Place>,
}

impl<R: BufRead> Machine<'_, R> {
    /// Does what the next code says; false at the end.
    fn step(&mut self) -> Result<bool, String> {
        let [code] = self.bytes()?;
        match code {
            b'.' => return Ok(false),
            // Protocol.
            0x80 => drop(self.bytes::<1>()?),
            b'(' => self.push(Value::Mark),
            b'N' | 0x88 | 0x89 => self.push(Value::Other),
            b'G' => {
                self.bytes::<8>()?;
                self.push(Value::Other);
            }
            b'J' => {
                let n = i32::from_le_bytes(self.bytes()?);
                self.push(Value::Int(n.into()));
            }
            b'K' => {
                let [n] = self.bytes()?;
                self.push(Value::Int(n.into()));
            }
            b'M' => {
                let n = u16::from_le_bytes(self.bytes()?);
                self.push(Value::Int(n.into()));
            }
            0x8a => self.long()?,
            b'X' => {
                let len = u32::from_le_bytes(self.bytes()?);
                let text = self.text(u64::from(len))?;
                self.push(Value::Text(text));
            }
            b'c' => {
                self.line()?;
                let name = self.line()?;
                self.push(Value::Class(name));
            }
            b')' => self.push(Value::Tuple(Vec::new())),
            0x85..=0x87 => {
                let from = self.stack.len().checked_sub(usize::from(code - 0x84)).ok_or(EMPTY)?;
                let items = self.stack.split_off(from);
                self.push(Value::Tuple(items));
            }
            b't' => {
                let items = self.pop_to_mark()?;
                self.push(Value::Tuple(items));
            }
            b']' => self.push(Value::List(Vec::new())),
            b'a' => {
                let item = self.pop()?;
                self.append(vec![item])?;
            }
            b'e' => {
                let items = self.pop_to_mark()?;
                self.append(items)?;
            }
            b'}' => self.push(Value::Dict(Vec::new())),
            b's' => {
                let (value, key) = (self.pop()?, self.pop()?);
                self.set(&[key, value])?;
            }
            b'u' => {
                let items = self.pop_to_mark()?;
                self.set(&items)?;
            }
            b'q' => {
                let [key] = self.bytes()?;
                self.remember(key.into())?;
            }
            b'r' => {
                let key = u32::from_le_bytes(self.bytes()?);
                self.remember(key)?;
            }
            b'h' => {
                let [key] = self.bytes()?;
                self.recall(key.into())?;
            }
            b'j' => {
                let key = u32::from_le_bytes(self.bytes()?);
                self.recall(key)?;
            }
            b'R' | 0x81 => self.call()?,
            // The state that an object is given (attributes of a dictionary): of no use here.
            b'b' => drop(self.pop()?),
            b'Q' => {
                let id = self.pop()?;
                self.push(Value::Persistent(id));
            }
            other => return Err(format!("the code {other:#04x} is not known")),
        }
        Ok(true)
    }

    fn push(&mut self, value: Value) {
        self.stack.push(self.values.len());
        self.values.push(value);
    }

    fn pop(&mut self) -> Result<Place, String> {
        Ok(self.stack.pop().ok_or(EMPTY)?)
    }

    fn pop_to_mark(&mut self) -> Result<Vec<Place>, String> {
        let mark = self.stack.iter().rposition(|&place| self.values[place] == Value::Mark).ok_or(EMPTY)?;
        let items = self.stack.split_off(mark + 1);
        self.stack.pop();
        Ok(items)
    }

    fn top(&mut self) -> Result<&mut Value, String> {
        let place = *self.stack.last().ok_or(EMPTY)?;
        Ok(&mut self.values[place])
    }

    fn append(&mut self, items: Vec<Place>) -> Result<(), String> {
        match self.top()? {
            Value::List(list) => list.extend(items),
            _ => return Err("something is added to what is no list".into()),
        }
        Ok(())
    }

    fn set(&mut self, items: &[Place]) -> Result<(), String> {
        match self.top()? {
            Value::Dict(pairs) => pairs.extend(items.as_chunks().0.iter().map(|&[key, value]| (key, value))),
            _ => return Err("something is added to what is no dictionary".into()),
        }
        Ok(())
    }

    fn remember(&mut self, key: u32) -> Result<(), String> {
        self.memo.insert(key, *self.stack.last().ok_or(EMPTY)?);
        Ok(())
    }

    fn recall(&mut self, key: u32) -> Result<(), String> {
        self.stack.push(*self.memo.get(&key).ok_or("it uses what it has not remembered")?);
        Ok(())
    }

    fn call(&mut self) -> Result<(), String> {
        let (args, class) = (self.pop()?, self.pop()?);
        let is_dict = matches!(&self.values[class], Value::Class(name) if matches!(&**name, "OrderedDict" | "defaultdict"));
        self.push(if is_dict { Value::Dict(Vec::new()) } else { Value::Call { class, args } });
        Ok(())
    }

    /// A number of so many bytes, the last with its sign.
    fn long(&mut self) -> Result<(), String> {
        let [len] = self.bytes()?;
        let bytes = self.exactly(u64::from(len))?;
        let sign = bytes.last().map_or(0, |&last| if last >> 7 == 1 { 0xFF } else { 0 });
        let mut wide = [sign; 8];
        let value = match wide.get_mut(..bytes.len()) {
            Some(low) => {
                low.copy_from_slice(&bytes);
                Value::Int(i64::from_le_bytes(wide))
            }
            None => Value::Other,
        };
        self.push(value);
        Ok(())
    }

    fn line(&mut self) -> Result<String, String> {
        let mut line = Vec::new();
        self.reader.take(LONGEST_TEXT).read_until(b'\n', &mut line).map_err(|e| e.to_string())?;
        match line.strip_suffix(b"\n") {
            Some(line) => Ok(String::from_utf8_lossy(line).trim_end_matches('\r').into()),
            None => Err("a name in it has no end".into()),
        }
    }

    fn text(&mut self, len: u64) -> Result<String, String> {
        if len > LONGEST_TEXT {
            return Err(format!("it has a text of {len} bytes"));
        }
        String::from_utf8(self.exactly(len)?).map_err(|_| "a text in it is no UTF-8".into())
    }

    fn exactly(&mut self, len: u64) -> Result<Vec<u8>, String> {
        let mut bytes = Vec::new();
        self.reader.take(len).read_to_end(&mut bytes).map_err(|e| e.to_string())?;
        if (bytes.len() as u64) < len { Err("it ends early".into()) } else { Ok(bytes) }
    }

    fn bytes<const N: usize>(&mut self) -> Result<[u8; N], String> {
        let mut bytes = [0; N];
        self.reader.read_exact(&mut bytes).map_err(|_| "it ends early")?;
        Ok(bytes)
    }
}

const EMPTY: &str = "it takes from an empty stack";

#[cfg(test)]
mod tests {
    use super::*;

    fn root(bytes: &[u8]) -> Result<String, String> {
        let pickle = read(&mut &*bytes)?;
        Ok(show(&pickle, pickle.root()))
    }

    fn show(pickle: &Pickle, value: &Value) -> String {
        let of = |places: &[Place]| {
            places.iter().map(|&p| show(pickle, pickle.get(p))).collect::<Vec<_>>().join(" ")
        };
        match value {
            Value::Tuple(items) => format!("({})", of(items)),
            Value::List(items) => format!("[{}]", of(items)),
            Value::Dict(pairs) => {
                format!("{{{}}}", of(&pairs.iter().flat_map(|&(k, v)| [k, v]).collect::<Vec<_>>()))
            }
            Value::Call { class, args } => of(&[*class, *args]),
            Value::Persistent(id) => format!("@{}", of(&[*id])),
            Value::Int(n) => n.to_string(),
            Value::Text(text) => format!("'{text}'"),
            Value::Class(name) => name.clone(),
            Value::Other => "?".into(),
            Value::Mark => "(".into(),
        }
    }

    #[test]
    fn each_code_is_read() {
        for (bytes, wanted) in [
            (&b"\x80\x02K\x05."[..], "5"),
            (b"J\xFF\xFF\xFF\xFF.", "-1"),
            (b"M\x01\x02.", "513"),
            (b"\x8a\x02\x00\x80.", "-32768"),
            (b"\x8a\x00.", "0"),
            (b"\x8a\x09\x01\x01\x01\x01\x01\x01\x01\x01\x01.", "?"),
            (b"G\0\0\0\0\0\0\0\0.", "?"),
            (b"X\x02\0\0\0\xd8\xa7.", "'ا'"),
            (b"(K\x01N\x88t.", "(1 ? ?)"),
            (b"K\x01K\x02K\x03\x87\x85.", "((1 2 3))"),
            (b"](K\x01K\x02eK\x03a.", "[1 2 3]"),
            (b"}(K\x01K\x02uK\x03K\x04s.", "{1 2 3 4}"),
            (b"ctorch\nSize\nK\x01\x85R.", "Size (1)"),
            (b"ccollections\nOrderedDict\n)R}K\x01K\x02sb.", "{}"),
            (b"K\x07Q.", "@7"),
            (b"K\x07q\x01h\x01\x86.", "(7 7)"),
            (b"K\x07r\x01\0\0\0j\x01\0\0\0\x86.", "(7 7)"),
        ] {
            assert_eq!(root(bytes).as_deref(), Ok(wanted));
            assert!((0..bytes.len()).all(|len| root(&bytes[..len]).is_err()), "{wanted}");
        }
    }

    #[test]
    fn what_is_no_pickle_is_an_error() {
        for bytes in [
            &b"."[..],
            b"t.",
            b"\x85.",
            b"h\x00.",
            b"K\x01a.",
            b"K\x01K\x01s.",
            b"R.",
            b"\xFF.",
            b"X\xFF\xFF\xFF\xFFx.",
        ] {
            assert!(root(bytes).is_err(), "{bytes:?}");
        }
    }

    #[test]
    fn a_small_pickle_takes_little() {
        // Each list holds the one before it twice, a hundred deep: 2^100 when copied.
        let mut doubled = b"K\x01q\x00".to_vec();
        for _ in 0..100 {
            doubled.extend(b"h\x00h\x00\x86q\x00");
        }
        doubled.push(b'.');
        assert!(read(&mut &*doubled).is_ok());
        // A million tuples in one another.
        let deep = [&b"N"[..], &b"\x85".repeat(MOST_CODES - 2), b"."].concat();
        assert!(read(&mut &*deep).is_ok());
        for code in [&b"N"[..], b"h\x00"] {
            let long = [&b"K\x01q\x00"[..], &code.repeat(MOST_CODES), b"."].concat();
            assert!(read(&mut &*long).unwrap_err().contains("more than"));
        }
    }
}
