//! Topics on their way that nobody asked to be made (`api::auto_topics`).

use crate::error::ErrorCode;
use crate::id::CallId;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::String;

/// So many topics are remembered as told of, and nobody is told of more: clients may name any.
const TOLD_MAX: usize = 256;

/// What was asked of the controller, and what an operator was told of it.
#[derive(Debug, Default)]
pub struct Automatic {
    sent: BTreeSet<CallId>,
    /// The last error of topics that could not be made: who needs one asks again several times a second.
    told: BTreeMap<String, ErrorCode>,
}

impl Automatic {
    pub fn sent(&mut self, call: CallId) {
        self.sent.insert(call);
    }

    /// Whether the call is one of them; it is answered now.
    pub fn done(&mut self, call: CallId) -> bool {
        self.sent.remove(&call)
    }

    /// Takes what became of a topic. Whether that is news: it failed, and not in the same way as the last time.
    pub fn is_news(&mut self, topic: &str, error: Option<ErrorCode>) -> bool {
        let Some(error) = error.filter(|error| *error != ErrorCode::TopicAlreadyExists) else {
            self.told.remove(topic);
            return false;
        };
        if self.told.get(topic) == Some(&error) {
            return false;
        }
        let news = !error.is_retriable() && (self.told.len() < TOLD_MAX || self.told.contains_key(topic));
        if news {
            self.told.insert(topic.into(), error);
        }
        news
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;

    #[test]
    fn an_error_is_told_until_it_changes() {
        let mut automatic = Automatic::default();
        let (few, many) = (Some(ErrorCode::InvalidReplicationFactor), Some(ErrorCode::InvalidPartitions));
        assert!(automatic.is_news("t", few) && !automatic.is_news("t", few));
        assert!(automatic.is_news("u", few) && automatic.is_news("t", many) && automatic.is_news("t", few));
        let busy = Some(ErrorCode::RequestTimedOut);
        assert!(!automatic.is_news("t", busy) && !automatic.is_news("t", few), "who asks again in a moment");
        assert!(!automatic.is_news("t", Some(ErrorCode::TopicAlreadyExists)) && automatic.is_news("t", few));
        assert!(!automatic.is_news("t", None) && automatic.is_news("t", few));
        let told = (0..TOLD_MAX * 2).filter(|number| automatic.is_news(&format!("t{number}"), few)).count();
        assert_eq!((told, automatic.told.len()), (TOLD_MAX - 2, TOLD_MAX), "after t and u");
        automatic.sent(CallId(3));
        assert!(automatic.done(CallId(3)) && !automatic.done(CallId(3)) && !automatic.done(CallId(4)));
    }
}
