//! The form in which `shape_table` describes a message's fields.

/// "No last version", and "in no version" where a first one is asked for.
pub(super) const END: i16 = i16::MAX;

/// How a field is written.
#[derive(Debug)]
pub(super) enum Kind {
    /// So many bytes.
    Fixed(u8),
    Text,
    Bytes,
    /// Elements, and a generous size of one in memory.
    Array(u16, &'static Kind),
    Struct(&'static [Field]),
}

#[derive(Debug)]
pub(super) struct Field {
    pub kind: Kind,
    pub since: i16,
    pub until: i16,
    pub null: (i16, i16),
    pub tag: usize,
    pub tagged: (i16, i16),
}

/// One message.
#[derive(Debug)]
pub(super) struct Shape {
    pub key: i16,
    /// The first flexible version (KIP-482).
    pub flexible: i16,
    pub fields: &'static [Field],
}

impl Field {
    pub const fn new(kind: Kind, since: i16, until: i16) -> Self {
        Self { kind, since, until, null: (END, END), tag: 0, tagged: (END, END) }
    }

    pub const fn null(mut self, since: i16, until: i16) -> Self {
        self.null = (since, until);
        self
    }

    pub const fn tag(mut self, tag: usize, since: i16, until: i16) -> Self {
        self.tag = tag;
        self.tagged = (since, until);
        self
    }

    pub fn is_in(&self, version: i16) -> bool {
        (self.since..=self.until).contains(&version) && version != END
    }

    pub fn is_tagged(&self, version: i16) -> bool {
        (self.tagged.0..=self.tagged.1).contains(&version) && version != END
    }

    pub fn may_be_null(&self, version: i16) -> bool {
        (self.null.0..=self.null.1).contains(&version) && version != END
    }
}
