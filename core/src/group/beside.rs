//! Answers that are put beside those that a reply has already.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use kafka_protocol::messages::TopicName;

/// A reply's topics in the making: the answers of a topic stand together, however often it is named.
#[derive(Debug)]
pub(super) struct Beside<T> {
    topics: Vec<T>,
    /// Where each of them is: a reply may have many.
    places: BTreeMap<TopicName, usize>,
}

impl<T> Beside<T> {
    pub fn new(topics: Vec<T>, name: impl Fn(&T) -> &TopicName) -> Self {
        let places = topics.iter().enumerate().map(|(place, topic)| (name(topic).clone(), place)).collect();
        Self { topics, places }
    }

    /// The answers of a topic; `new`: there are none yet.
    pub fn of(&mut self, name: &TopicName, new: impl FnOnce() -> T) -> &mut T {
        let place = *self.places.entry(name.clone()).or_insert(self.topics.len());
        if place == self.topics.len() {
            self.topics.push(new());
        }
        &mut self.topics[place]
    }

    pub fn done(self) -> Vec<T> {
        self.topics
    }
}
