//! Who may act in a group's name, and when: members, instances, generations.

use super::group::{Group, Phase};
use crate::error::ErrorCode;
use crate::mutant::{self, Mutant};
use kafka_protocol::protocol::StrBytes;

impl Group {
    /// Whether `member` is one, and, where it names its instance, the one that has it now (KIP-345's fencing).
    pub fn validate_member(&self, member: &StrBytes, instance: Option<&StrBytes>) -> Result<(), ErrorCode> {
        if let Some(instance) = instance {
            match self.statics.get(instance) {
                None => return Err(ErrorCode::UnknownMemberId),
                Some(holder) if holder != member && !mutant::is(Mutant::NoStaticFencing) => {
                    return Err(ErrorCode::FencedInstanceId);
                }
                Some(_) => {}
            }
        }
        if self.members.contains_key(member) || mutant::is(Mutant::NoStaticFencing) && instance.is_some() {
            Ok(())
        } else {
            Err(ErrorCode::UnknownMemberId)
        }
    }

    /// As [`Group::validate_member`], and it speaks of the generation that is.
    pub fn validate_generation(
        &self,
        member: &StrBytes,
        instance: Option<&StrBytes>,
        generation: i32,
    ) -> Result<(), ErrorCode> {
        self.validate_member(member, instance)?;
        if generation != self.generation && !mutant::is(Mutant::OldGenerationCommits) {
            return Err(ErrorCode::IllegalGeneration);
        }
        Ok(())
    }

    /// Whether these may commit offsets: members of the generation, and anybody (`generation` -1) while the group has no members.
    pub fn validate_commit(
        &self,
        member: &StrBytes,
        instance: Option<&StrBytes>,
        generation: i32,
    ) -> Result<(), ErrorCode> {
        if generation < 0 && (self.is_empty() || mutant::is(Mutant::StrangersCommit)) {
            return Ok(());
        }
        if generation < 0 && member.is_empty() && instance.is_none() {
            return Err(ErrorCode::UnknownMemberId);
        }
        self.validate_generation(member, instance, generation)?;
        match self.phase {
            // Its member knows the generation, but its own partitions are not settled: let it wait for them.
            Phase::Completing if !mutant::is(Mutant::CommitWhileCompleting) => Err(ErrorCode::RebalanceInProgress),
            Phase::Preparing { .. } if mutant::is(Mutant::CommitWhileJoiningRefused) => {
                Err(ErrorCode::RebalanceInProgress)
            }
            Phase::Completing | Phase::Empty | Phase::Preparing { .. } | Phase::Stable => Ok(()),
        }
    }

    /// Whether single offsets may be deleted: with members only where their topics are known to the coordinator.
    pub fn validate_offset_delete(&self) -> Result<(), ErrorCode> {
        if self.is_empty() || self.is_consumer() { Ok(()) } else { Err(ErrorCode::NonEmptyGroup) }
    }

    pub fn validate_delete(&self) -> Result<(), ErrorCode> {
        if self.is_empty() || mutant::is(Mutant::DeletedWithMembers) { Ok(()) } else { Err(ErrorCode::NonEmptyGroup) }
    }
}
