//! Plans that once failed stay here and must not fail again.

use esker_sim::plan::Plan;
use esker_sim::run::run;
use esker_sim::trace::Keep;
use std::path::Path;

#[test]
fn what_was_fixed_stays_fixed() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    let mut files: Vec<_> =
        std::fs::read_dir(folder).expect("the corpus is there").filter_map(|entry| Some(entry.ok()?.path())).collect();
    files.retain(|file| file.extension().is_some_and(|end| end == "plan"));
    files.sort();
    assert!(!files.is_empty(), "a corpus without plans proves nothing");
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        let runs: Vec<_> = (0..threads)
            .map(|first| files.iter().skip(first).step_by(threads))
            .map(|part| scope.spawn(|| part.for_each(|file| replay(file))))
            .collect();
        for run in runs {
            run.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        }
    });
}

fn replay(file: &Path) {
    let text = std::fs::read_to_string(file).expect("a plan can be read");
    let plan = Plan::parse(&text).unwrap_or_else(|wrong| panic!("{}: {wrong}", file.display()));
    let failure = run(&plan, Keep::Nothing, u64::MAX).failure;
    assert!(failure.is_none(), "{}: {failure:?}", file.display());
}
