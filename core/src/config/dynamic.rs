//! What may be set while a broker runs (KIP-226).

use super::{Change, Given, broker_def, refuse_promise};
use crate::error::{ErrorCode, Refusal};
use alloc::format;
use alloc::vec::Vec;

/// Whether a running broker may be given these values, for itself or (`for_all`) as the default of all brokers.
/// Refuses with `INVALID_REQUEST` what cannot change while a broker runs, all such names at once; else with `INVALID_CONFIG`.
pub fn check_dynamic(given: &Given, for_all: bool) -> Result<(), Refusal> {
    // Kafka keeps names that it does not know: a plug-in may read them.
    let known = || given.iter().filter_map(|(name, value)| Some((broker_def(name)?, value)));
    let refuse = |change: Change, text: &str| {
        let names: Vec<&str> = known().map(|(def, _)| def).filter(|d| d.change == change).map(|d| d.name).collect();
        if names.is_empty() {
            return Ok(());
        }
        Err(Refusal::because(ErrorCode::InvalidRequest, format!("{text}: [{}]", names.join(", "))))
    };
    refuse(Change::Static, "Cannot update these configs dynamically")?;
    if for_all {
        let text = "Cannot update these configs at default cluster level, broker id must be specified";
        refuse(Change::PerBroker, text)?;
    }
    known().try_for_each(|(def, value)| def.check(value).and_then(|()| refuse_promise(def, value)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn what_may_change_while_a_broker_runs() {
        let given = |pairs: &[(&str, &str)]| pairs.iter().map(|(n, v)| (n.to_string(), v.to_string())).collect();
        let refused = |pairs: &[(&str, &str)], for_all| {
            let refusal = check_dynamic(&given(pairs), for_all).unwrap_err();
            (refusal.code, refusal.message.unwrap_or_default())
        };
        assert!(check_dynamic(&given(&[("log.retention.ms", "5"), ("a.plug.ins", "x")]), true).is_ok());
        assert_eq!(refused(&[("log.retention.ms", "x")], true).0, ErrorCode::InvalidConfig);
        // `KafkaConfig.validateValues`: 0 would delete all that there is.
        for (name, value) in [("log.retention.ms", "0"), ("log.roll.ms", "0"), ("log.roll.jitter.ms", "-1")] {
            assert_eq!(refused(&[(name, value)], true).0, ErrorCode::InvalidConfig, "{name}={value}");
        }
        assert!(check_dynamic(&given(&[("log.retention.ms", "-5")]), true).is_ok());
        // `ValidString.in`: the reader of the value knows it in one spelling.
        let spelt =
            [("log.message.timestamp.type", "logappendtime"), ("compression.type", "GZIP"), ("durability", "OS")];
        for (name, value) in spelt {
            assert_eq!(refused(&[(name, value)], true).0, ErrorCode::InvalidConfig, "{name}={value}");
        }
        // What Kafka 4.3.1 says.
        let (code, text) = refused(&[("num.partitions", "5"), ("log.retention.ms", "x"), ("node.id", "5")], false);
        assert_eq!(code, ErrorCode::InvalidRequest);
        assert_eq!(text, "Cannot update these configs dynamically: [node.id, num.partitions]");
        let (code, text) = refused(&[("cordoned.log.dirs", "/x")], true);
        assert_eq!(code, ErrorCode::InvalidRequest);
        let level = "Cannot update these configs at default cluster level, broker id must be specified";
        assert_eq!(text, format!("{level}: [cordoned.log.dirs]"));
    }
}
