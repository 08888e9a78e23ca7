//! The decoders of `golden/targets.rs`, on good bytes as they are and changed a little.

mod golden;

use golden::run;
use golden::targets::TARGETS;

macro_rules! tests {
    ($($test:ident $name:literal)*) => {
        $(#[test]
        fn $test() {
            run(TARGETS, $name);
        })*

        #[test]
        fn every_target_has_its_test() {
            assert_eq!(TARGETS.iter().map(|target| target.name).collect::<Vec<_>>(), [$($name),*]);
        }
    };
}

tests! {
    requests "requests"
    answers "answers"
    record_batches "batches"
    records_behind_a_good_checksum "records"
    metadata_records "metadata-records"
    group_records "group-records"
    indexes "indexes"
    producer_snapshots "producers"
    checkpoints_and_names "checkpoints"
    quorum_state "quorum-state"
    configuration "configuration"
    plans "plans"
    histories "histories"
}
