//! Builds TIFF structures, byte by byte, for tests.

/// A value of a tag.
pub enum Value<'a> {
    Short(u16),
    Long(u32),
    Longs(&'a [u32]),
    Text(&'a str),
    Bytes(&'a [u8]),
}

/// A file that grows: data first, then the directories that point to it.
pub struct Builder {
    pub bytes: Vec<u8>,
    big_endian: bool,
}

impl Builder {
    /// A header with this magic number.
    pub fn new(big_endian: bool, magic: u16) -> Self {
        let mut builder = Self { bytes: if big_endian { b"MM".to_vec() } else { b"II".to_vec() }, big_endian };
        builder.short(magic);
        builder.long(0);
        builder
    }

    fn short(&mut self, value: u16) {
        self.bytes.extend(if self.big_endian { value.to_be_bytes() } else { value.to_le_bytes() });
    }

    fn long(&mut self, value: u32) {
        self.bytes.extend(if self.big_endian { value.to_be_bytes() } else { value.to_le_bytes() });
    }

    /// Appends data and says where it is.
    pub fn blob(&mut self, data: &[u8]) -> u32 {
        let at = self.bytes.len() as u32;
        self.bytes.extend(data);
        if self.bytes.len() % 2 == 1 {
            self.bytes.push(0);
        }
        at
    }

    /// Appends a directory and says where it is.
    pub fn directory(&mut self, entries: &[(u16, Value<'_>)], next: u32) -> u32 {
        let fields: Vec<(u16, u16, u32, Vec<u8>)> =
            entries.iter().map(|(tag, value)| self.field(*tag, value)).collect();
        let places: Vec<Option<u32>> =
            fields.iter().map(|(.., data)| (data.len() > 4).then(|| self.blob(data))).collect();
        let at = self.bytes.len() as u32;
        self.short(fields.len() as u16);
        for ((tag, kind, count, data), place) in fields.into_iter().zip(places) {
            self.short(tag);
            self.short(kind);
            self.long(count);
            match place {
                Some(place) => self.long(place),
                None => self.bytes.extend(data.into_iter().chain([0; 4]).take(4)),
            }
        }
        self.long(next);
        at
    }

    fn field(&self, tag: u16, value: &Value<'_>) -> (u16, u16, u32, Vec<u8>) {
        let long = |value: u32| if self.big_endian { value.to_be_bytes() } else { value.to_le_bytes() };
        match *value {
            Value::Short(value) if self.big_endian => (tag, 3, 1, value.to_be_bytes().to_vec()),
            Value::Short(value) => (tag, 3, 1, value.to_le_bytes().to_vec()),
            Value::Long(value) => (tag, 4, 1, long(value).to_vec()),
            Value::Longs(values) => (tag, 4, values.len() as u32, values.iter().flat_map(|&v| long(v)).collect()),
            Value::Text(text) => (tag, 2, text.len() as u32 + 1, text.bytes().chain([0]).collect()),
            Value::Bytes(data) => (tag, 7, data.len() as u32, data.to_vec()),
        }
    }

    /// Points the header to the first directory.
    pub fn finish(mut self, first: u32) -> Vec<u8> {
        let first = if self.big_endian { first.to_be_bytes() } else { first.to_le_bytes() };
        self.bytes[4..8].copy_from_slice(&first);
        self.bytes
    }
}
