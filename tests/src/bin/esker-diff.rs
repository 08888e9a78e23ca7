//! Plays the same scripts to two brokers and prints where their answers differ beyond what is intended.
//!
//! `esker-diff DEFINITIONS SCRIPTS INTENDED LEFT RIGHT [STORY]`: a folder of Kafka's message definitions, a folder of scripts, the
//! written list, two addresses; only stories whose name contains STORY, and then the left one's answers are printed. Status 0 if nothing differs, 1 if something does.

use esker_tests::client::Outcome;
use esker_tests::diff::{Difference, Intended, Names, Outcomes, Script, leaves};
use esker_tests::schema::Schemas;
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::Path;
use std::process::ExitCode;
use std::{env, fs};

fn main() -> ExitCode {
    let args: Vec<String> = env::args().skip(1).collect();
    match run(&args) {
        Ok(0) => ExitCode::SUCCESS,
        Ok(_) => ExitCode::from(1),
        Err(e) => {
            eprintln!("esker-diff: {e}");
            ExitCode::from(2)
        }
    }
}

fn run(args: &[String]) -> Result<usize, String> {
    let [definitions, scripts, intended, left, right, only @ ..] = args else {
        return Err("usage: esker-diff DEFINITIONS SCRIPTS INTENDED LEFT RIGHT [STORY]".into());
    };
    let schemas = Schemas::read(Path::new(definitions));
    let text = fs::read_to_string(intended).map_err(|e| format!("{intended}: {e}"))?;
    let intended = Intended::parse(&text)?;
    let address = |t: &str| t.parse::<SocketAddr>().map_err(|e| format!("{t}: {e}"));
    let (left, right) = (address(left)?, address(right)?);
    let (mut stories, mut answers, mut bad) = (0, 0, 0);
    for script in read_scripts(scripts)? {
        for story in script.stories.iter().filter(|s| only.iter().all(|o| s.name.contains(o))) {
            let (a, b) = (story.play(&schemas, left), story.play(&schemas, right));
            let (a, b) = match (a, b) {
                (Ok(a), Ok(b)) => (a, b),
                (Err(e), _) => return Err(format!("left: {e}")),
                (_, Err(e)) => {
                    println!("FAIL {}\n  it could not be played to the right one: {e}", story.name);
                    bad += 1;
                    continue;
                }
            };
            for (at, request, outcome) in a.iter().filter(|_| !only.is_empty()) {
                match outcome {
                    Outcome::Answer(value) => println!("  {at}: {request} {value}"),
                    other => println!("  {at}: {request} {other:?}"),
                }
            }
            let found = compare(&a, &b, &intended, &mut Names::default(), &mut Names::default());
            println!("{} {} ({} answers)", if found.is_empty() { "same" } else { "FAIL" }, story.name, a.len());
            for line in &found {
                println!("  {line}");
            }
            stories += 1;
            answers += a.len();
            bad += usize::from(!found.is_empty());
        }
    }
    if only.is_empty() {
        for rule in intended.idle() {
            println!("FAIL a rule that never applied: {rule}");
            bad += 1;
        }
    }
    println!("{stories} stories, {answers} answers; {} passed, {bad} failed", stories - bad.min(stories));
    if stories == 0 {
        return Err("no story has that name".into());
    }
    Ok(bad)
}

fn read_scripts(folder: &str) -> Result<Vec<Script>, String> {
    let entries = fs::read_dir(folder).map_err(|e| format!("{folder}: {e}"))?;
    let mut paths: Vec<_> = entries
        .filter_map(|e| e.ok().map(|e| e.path()))
        .filter(|p| p.extension().is_some_and(|e| e == "script"))
        .collect();
    paths.sort();
    paths
        .iter()
        .map(|p| {
            Script::parse(
                &p.file_stem().unwrap_or_default().to_string_lossy(),
                &fs::read_to_string(p).map_err(|e| e.to_string())?,
            )
        })
        .collect()
}

fn compare(
    left: &Outcomes,
    right: &Outcomes,
    intended: &Intended,
    names_left: &mut Names,
    names_right: &mut Names,
) -> Vec<String> {
    let mut out = Vec::new();
    for ((at, request, a), (_, _, b)) in left.iter().zip(right) {
        if matches!(a, Outcome::Answer(_)) != matches!(b, Outcome::Answer(_)) {
            let told = |o: &Outcome| match o {
                Outcome::Answer(value) => value.to_string().chars().take(300).collect(),
                other => format!("{other:?}"),
            };
            let d = Difference { request: request.clone(), path: "outcome".into(), left: told(a), right: told(b) };
            if !intended.allows(&d) {
                out.push(format!("{at}: {d}"));
            }
            continue;
        }
        let (a, b) = (flat(a, intended, names_left), flat(b, intended, names_right));
        let paths: BTreeSet<&String> = a.keys().chain(b.keys()).collect();
        for path in paths {
            let value =
                |m: &std::collections::BTreeMap<String, String>| m.get(path).cloned().unwrap_or_else(|| "-".into());
            let d = Difference { request: request.clone(), path: path.clone(), left: value(&a), right: value(&b) };
            if d.left != d.right && !intended.allows(&d) {
                out.push(format!("{at}: {d}"));
            }
        }
    }
    out
}

fn flat(outcome: &Outcome, intended: &Intended, names: &mut Names) -> std::collections::BTreeMap<String, String> {
    match outcome {
        Outcome::Answer(value) => leaves(value, intended, names),
        other => [("outcome".to_owned(), format!("{other:?}").replace(' ', "_"))].into(),
    }
}
