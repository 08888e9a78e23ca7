//! What is known of one config: its name, type, default, range, and what it means here.

use crate::error::{ErrorCode, Refusal};
use alloc::format;
use alloc::string::String;

/// The type of a value, as DescribeConfigs names it (`DescribeConfigsResponse.ConfigType`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    Bool,
    Text,
    Int,
    Short,
    Long,
    Double,
    List,
    Class,
    Password,
}

/// Which values are taken, beyond those of the type.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Range {
    Any,
    AtLeast(i64),
    Between(i64, i64),
    /// A decimal fraction from 0 to 1.
    Ratio,
    OneOf(&'static [&'static str]),
    /// The same, in upper or lower case.
    OneOfAnyCase(&'static [&'static str]),
    /// From 1 on; what is negative means "unlimited".
    NotZero,
    /// A list, each of whose entries is one of these.
    EachOf(&'static [&'static str]),
    /// `partition:broker` pairs separated by commas, or `*`.
    Throttle,
}

/// Whether a config may change while the broker runs (KIP-226).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Change {
    /// Only by a restart: read-only for AlterConfigs.
    Static,
    /// For one broker.
    PerBroker,
    /// For one broker, or as the default of all.
    ClusterWide,
}

/// What a config means to Esker.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Use {
    /// It does what Kafka's does.
    Used,
    /// Known and without meaning here: accepted, with one warning.
    Idle,
    /// It promises protection that is not built yet: anything but the default is an error, never a warning.
    Protects,
}

/// One config.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Def {
    pub name: &'static str,
    pub kind: Kind,
    /// As it is written; `None`: null, or a value that has to be given.
    pub default: Option<&'static str>,
    pub range: Range,
    pub used: Use,
    pub change: Change,
    /// Not shown unless it is set.
    pub internal: bool,
    /// For a topic's config: the broker config that gives its default (`ServerTopicConfigSynonyms`).
    pub broker: Option<&'static str>,
    /// One line; empty for what has no meaning here.
    pub doc: &'static str,
}

impl Def {
    pub(super) const fn new(
        name: &'static str,
        kind: Kind,
        default: Option<&'static str>,
        range: Range,
        used: Use,
    ) -> Self {
        Self { name, kind, default, range, used, change: Change::Static, internal: false, broker: None, doc: "" }
    }

    pub(super) const fn cluster_wide(mut self) -> Self {
        self.change = Change::ClusterWide;
        self
    }

    pub(super) const fn per_broker(mut self) -> Self {
        self.change = Change::PerBroker;
        self
    }

    pub(super) const fn internal(mut self) -> Self {
        self.internal = true;
        self
    }

    pub(super) const fn broker(mut self, name: &'static str) -> Self {
        self.broker = Some(name);
        self
    }

    pub(super) const fn doc(mut self, doc: &'static str) -> Self {
        self.doc = doc;
        self
    }

    /// Whether the value is a secret: it is never shown.
    pub const fn sensitive(&self) -> bool {
        matches!(self.kind, Kind::Password)
    }

    /// Whether AlterConfigs of a broker must refuse it.
    pub const fn read_only(&self) -> bool {
        matches!(self.change, Change::Static)
    }

    /// Whether `value` is of the type and in the range; the refusal is `INVALID_CONFIG` with the reason.
    pub fn check(&self, value: &str) -> Result<(), Refusal> {
        self.in_type(value).and_then(|()| self.in_range(value)).map_err(|why| {
            let shown = if self.sensitive() { "[hidden]" } else { self.wrong_part(value) };
            let text = format!("Invalid value {shown} for configuration {}: {why}", self.name);
            Refusal::because(ErrorCode::InvalidConfig, text)
        })
    }

    /// What of a value is told to be wrong: the first such entry of a list, else all of it.
    fn wrong_part<'a>(&self, value: &'a str) -> &'a str {
        match self.range {
            Range::EachOf(names) => list_of(value).find(|entry| !names.contains(entry)).unwrap_or(value),
            Range::Any
            | Range::AtLeast(_)
            | Range::Between(..)
            | Range::NotZero
            | Range::Ratio
            | Range::OneOf(_)
            | Range::OneOfAnyCase(_)
            | Range::Throttle => value,
        }
    }

    fn in_type(&self, value: &str) -> Result<(), String> {
        let text = value.trim();
        let (good, what) = match self.kind {
            Kind::Bool => (bool_of(text).is_some(), "Expected value to be either true or false"),
            Kind::Int => (text.parse::<i32>().is_ok(), "Not a number of type INT"),
            Kind::Short => (text.parse::<i16>().is_ok(), "Not a number of type SHORT"),
            Kind::Long => (text.parse::<i64>().is_ok(), "Not a number of type LONG"),
            Kind::Double => (decimal(text).is_some(), "Not a number of type DOUBLE"),
            Kind::Text | Kind::List | Kind::Class | Kind::Password => (true, ""),
        };
        if good { Ok(()) } else { Err(what.into()) }
    }

    fn in_range(&self, value: &str) -> Result<(), String> {
        let text = value.trim();
        let number = || text.parse::<i64>().unwrap_or(0);
        match self.range {
            Range::Any => Ok(()),
            Range::AtLeast(low) if number() < low => Err(format!("Value must be at least {low}")),
            Range::Between(low, _) if number() < low => Err(format!("Value must be at least {low}")),
            Range::Between(_, high) if number() > high => Err(format!("Value must be no more than {high}")),
            Range::AtLeast(_) | Range::Between(..) => Ok(()),
            Range::Ratio => match decimal(text) {
                Some(millionths) if millionths > 1_000_000 => Err("Value must be no more than 1".into()),
                Some(millionths) if millionths < 0 => Err("Value must be at least 0".into()),
                Some(_) | None => Ok(()),
            },
            Range::NotZero if number() == 0 => {
                Err("Value must be unlimited (-1) or, greater than or equal to 1".into())
            }
            Range::OneOf(names) if !names.contains(&text) => {
                Err(format!("String must be one of: {}", names.join(", ")))
            }
            Range::OneOfAnyCase(names) if !names.iter().any(|name| name.eq_ignore_ascii_case(text)) => {
                Err(format!("String must be one of: {}", names.join(", ")))
            }
            Range::EachOf(names) if !list_of(text).all(|entry| names.contains(&entry)) => {
                Err(format!("String must be one of: {}", names.join(", ")))
            }
            Range::NotZero | Range::OneOf(_) | Range::OneOfAnyCase(_) | Range::EachOf(_) => Ok(()),
            Range::Throttle if !throttle(text) => {
                Err("Must be the literal '*' or a list of [partitionId]:[brokerId] pairs".into())
            }
            Range::Throttle => Ok(()),
        }
    }
}

/// Finds a config in a table that is sorted by name.
pub(super) fn find(table: &'static [Def], name: &str) -> Option<&'static Def> {
    table.binary_search_by(|def| def.name.cmp(name)).ok().and_then(|at| table.get(at))
}

/// `true` or `false` in any case, as Kafka reads them.
pub(super) fn bool_of(text: &str) -> Option<bool> {
    match text {
        _ if text.eq_ignore_ascii_case("true") => Some(true),
        _ if text.eq_ignore_ascii_case("false") => Some(false),
        _ => None,
    }
}

/// The entries of a list: separated by commas, without the white space around them; none for an empty text.
pub fn list_of(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim).filter(|entry| !entry.is_empty())
}

/// A decimal number in millionths (floats have no place here); saturates far outside of what any ratio needs.
pub(super) fn decimal(text: &str) -> Option<i64> {
    let (sign, digits) = text.strip_prefix('-').map_or((1, text), |rest| (-1, rest));
    let (mantissa, power) = match digits.split_once(['e', 'E']) {
        Some((mantissa, power)) => (mantissa, power.parse::<i32>().ok()?),
        None => (digits, 0),
    };
    let (whole, part) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let only_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.len() + part.len() == 0 || !only_digits(whole) || !only_digits(part) {
        return None;
    }
    let mut value: i64 = 0;
    let wanted = power.saturating_add(6).clamp(-40, 40) + i32::try_from(whole.len()).ok()?;
    for place in 0..wanted.max(0) {
        let at = usize::try_from(place).ok()?;
        let digit = whole.bytes().chain(part.bytes()).nth(at).map_or(0, |byte| i64::from(byte - b'0'));
        value = value.saturating_mul(10).saturating_add(digit);
    }
    Some(sign * value)
}

fn throttle(text: &str) -> bool {
    let number = |part: &str| part.trim().parse::<u32>().is_ok();
    text == "*" || list_of(text).all(|pair| pair.split_once(':').is_some_and(|(p, b)| number(p) && number(b)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{broker_def, topic_def};

    fn takes(name: &str, value: &str) -> bool {
        topic_def(name).unwrap().check(value).is_ok()
    }

    #[test]
    fn ranges_are_kept() {
        assert!(takes("segment.bytes", "1048576") && !takes("segment.bytes", "1048575"));
        assert!(!takes("segment.bytes", "1 MiB") && !takes("segment.bytes", "4294967296"));
        assert!(takes("retention.ms", "-1") && !takes("retention.ms", "-2"));
        assert!(takes("cleanup.policy", "compact, delete") && takes("cleanup.policy", ""));
        assert!(!takes("cleanup.policy", "compact,burn"));
        assert!(takes("compression.type", "zstd") && !takes("compression.type", "brotli"));
        assert!(takes("min.cleanable.dirty.ratio", "0.25") && takes("min.cleanable.dirty.ratio", "1"));
        assert!(!takes("min.cleanable.dirty.ratio", "1.01") && !takes("min.cleanable.dirty.ratio", "-0.1"));
        assert!(takes("preallocate", "TRUE") && !takes("preallocate", "yes"));
        assert!(takes("leader.replication.throttled.replicas", "0:1,1:2"));
        assert!(takes("leader.replication.throttled.replicas", "*"));
        assert!(!takes("leader.replication.throttled.replicas", "0-1"));
    }

    #[test]
    fn a_refusal_says_what_would_do() {
        let refusal = topic_def("min.insync.replicas").unwrap().check("0").unwrap_err();
        assert_eq!(refusal.code, ErrorCode::InvalidConfig);
        assert_eq!(
            refusal.message.as_deref(),
            Some("Invalid value 0 for configuration min.insync.replicas: Value must be at least 1")
        );
        let refusal = topic_def("cleanup.policy").unwrap().check("compact,burn").unwrap_err();
        assert_eq!(
            refusal.message.as_deref(),
            Some("Invalid value burn for configuration cleanup.policy: String must be one of: compact, delete")
        );
        let secret = broker_def("ssl.key.password").unwrap();
        assert!(secret.sensitive());
    }

    #[test]
    fn decimals_without_floats() {
        assert_eq!(decimal("0.5"), Some(500_000));
        assert_eq!(decimal("-1.25"), Some(-1_250_000));
        assert_eq!(decimal("5e-1"), Some(500_000));
        assert_eq!(decimal(".9"), Some(900_000));
        assert_eq!(decimal("1.7976931348623157E308").map(|v| v > 1_000_000), Some(true));
        assert_eq!(decimal("NaN"), None);
        assert_eq!(decimal(""), None);
        assert_eq!(decimal("1e99999999999"), None);
    }
}
