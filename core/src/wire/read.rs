//! Reads primitive values from bytes that may end anywhere.

/// Why a walk over bytes ended before its end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Flaw {
    /// The bytes end before the value.
    Short,
    /// A length that is negative, or more than what is left.
    Length,
    /// Null where null is not allowed.
    Null,
    /// A tagged field that the version does not have, or whose size is not its value's.
    Tag,
    /// Bytes are left behind the last field.
    Trailing,
    /// The decoded message would take more memory than a request may.
    Huge,
    /// The codec refused it: a text that is not UTF-8, for example.
    Codec,
}

pub struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub const fn left(&self) -> usize {
        self.rest.len()
    }

    pub fn take(&mut self, count: usize) -> Result<&'a [u8], Flaw> {
        let (taken, rest) = self.rest.split_at_checked(count).ok_or(Flaw::Short)?;
        self.rest = rest;
        Ok(taken)
    }

    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], Flaw> {
        let (taken, rest) = self.rest.split_first_chunk().ok_or(Flaw::Short)?;
        self.rest = rest;
        Ok(*taken)
    }

    pub fn i8(&mut self) -> Result<i8, Flaw> {
        self.array().map(i8::from_be_bytes)
    }

    pub fn i16(&mut self) -> Result<i16, Flaw> {
        self.array().map(i16::from_be_bytes)
    }

    pub fn i32(&mut self) -> Result<i32, Flaw> {
        self.array().map(i32::from_be_bytes)
    }

    /// An unsigned varint of at most five bytes, none above `i32::MAX`: no length or tag is.
    pub fn varint(&mut self) -> Result<usize, Flaw> {
        let mut value: u64 = 0;
        for place in 0..5 {
            let [byte] = self.array()?;
            value |= u64::from(byte & 0x7f) << (7 * place);
            if byte & 0x80 == 0 {
                let fits = i32::try_from(value).map_err(|_| Flaw::Length)?;
                return usize::try_from(fits).map_err(|_| Flaw::Length);
            }
        }
        Err(Flaw::Length)
    }

    /// A length of `i16`, as old texts have it; `None`: null.
    pub fn short_len(&mut self) -> Result<Option<usize>, Flaw> {
        match self.i16()? {
            -1 => Ok(None),
            len => usize::try_from(len).map(Some).map_err(|_| Flaw::Length),
        }
    }

    /// A length of `i32`, as old bytes and arrays have it; `None`: null.
    pub fn long_len(&mut self) -> Result<Option<usize>, Flaw> {
        match self.i32()? {
            -1 => Ok(None),
            len => usize::try_from(len).map(Some).map_err(|_| Flaw::Length),
        }
    }

    /// A compact length: one more than the length, or zero for null.
    pub fn compact_len(&mut self) -> Result<Option<usize>, Flaw> {
        self.varint().map(|len| len.checked_sub(1))
    }
}
