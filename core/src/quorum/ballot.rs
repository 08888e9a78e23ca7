//! The vote on its way to the disk.

use super::election::Election;

/// What this node decided about elections, and what of it is on stable storage.
///
/// **Invariant**: no request and no reply of the quorum leaves while [`Ballot::is_saved`] is false.
#[derive(Clone, Debug)]
pub struct Ballot {
    decided: Election,
    /// Writes on their way, by what they hold: they end in the order in which they were issued.
    writing: u32,
    saved: Election,
}

impl Ballot {
    /// As the file says; `decided` differs from it where the log knows of a later epoch.
    pub fn new(saved: Election, decided: Election) -> Self {
        assert!(decided.epoch >= saved.epoch, "an epoch was forgotten: {saved}, then {decided}");
        Self { decided, writing: 0, saved }
    }

    pub const fn decided(&self) -> Election {
        self.decided
    }

    /// Decides. Answers whether it is to be written.
    pub fn decide(&mut self, later: Election) -> bool {
        assert!(self.decided.allows(later), "{} cannot become {later}", self.decided);
        let news = later != self.decided;
        self.decided = later;
        self.writing += u32::from(news);
        news
    }

    /// What was decided is written once more. Answers it.
    pub const fn again(&mut self) -> Election {
        self.writing += 1;
        self.decided
    }

    /// A write of `saved` is on stable storage.
    pub fn on_saved(&mut self, saved: Election) {
        assert!(self.writing > 0, "a vote was saved that nobody wrote");
        assert!(saved.epoch >= self.saved.epoch, "the vote file went back from {} to {saved}", self.saved);
        self.writing -= 1;
        self.saved = saved;
        assert!(
            self.writing > 0 || self.saved == self.decided,
            "the vote file holds {}, not {}",
            self.saved,
            self.decided
        );
    }

    pub const fn is_saved(&self) -> bool {
        self.writing == 0
    }
}
