//! Scenarios: a story told verb by verb to a simulated cluster, with what it answers written below each line.
//!
//! # The format
//!
//! A scenario is a text. A line that begins with `#` is the story, for people; one line of it says where the promise is
//! written down (`# Source: …`), one may name bugs of `core/src/mutant/list.rs` that the scenario notices (`# Kills: …`). A line
//! at the margin is a verb with its words. Lines that are indented are what the cluster answered to the verb above them:
//! expectations, which the tests compare and `ESKER_SCENARIOS=rewrite` writes anew. Words in parentheses mean nothing.
//!
//! Nodes are numbered from 1 (or `controller`, `leader of t-0`). The active controller is node 1 in epoch 1 once `cluster`
//! is done; topics are placed by hand, the first replica leads. Clients have names: `as p1`. `&` at the end of a line does
//! not wait for the answer, `await p1` does. A time is a number with `ms` or `s`.
//!
//! | verb | |
//! |---|---|
//! | `cluster 3 [voters 1,2] [with name=value …]` | nodes, started, until all serve |
//! | `topic t replicas 1,2,3 [/ 2,3,1 …] [with name=value …]` | creates a topic; a list of replicas a partition |
//! | `set t name=value … [to 2]` `drop t,u` | changes a topic's configs; deletes topics |
//! | `kill 1` `crash 1 [torn\|pages]` `stop 1` `start 1` `pause 1` `resume 1` | the process dies; its host loses power; SIGTERM; … (or `all`) |
//! | `cut 1 3` `cut 1 -> 3` `isolate 1 [from nodes]` `stall 1 -> 3` (open connections only) `mend 1 3` `heal` `reset 1` | the network; `clients` is a peer as well |
//! | `disk 1 fails sync\|write\|read` `disk 1 slow 100` `disk 1 full` `disk 1 whole` `disk 1 rots t-0` `disk 1 rots t-0 base` `disk 1 says t-0 9999` (of where its log starts) `disk 1 lost` `disk 1 lacks t-0` (its folder is gone) `clock 1 +5s` | the disk, the wall clock |
//! | `unregister 1` | its registration as a broker is taken away, dead or alive |
//! | `loss (is expected)` | from here on records may be lost without breaking a promise |
//! | `wait 3s` `until … [within 10s]` | time passes; [`until`] lists what can be waited for |
//! | `producer p1` | an idempotent producer asks for its id |
//! | `produce t-0 a b [acks all\|1\|0] [to 2] [as p1] [epoch 0] [sequence 3] [size 100] [timeout 500ms] [&]` | one batch, a record a word |
//! | `again p1 [to 2]` | the last batch of that producer once more, byte for byte |
//! | `fetch t-0 from 0 [to 2] [epoch 1] [last 0] [max 100] [min 1] [wait 500ms] [&]` `consume t-0` | one Fetch; all up to the watermark |
//! | `offsets t-0 earliest\|latest\|max\|at 5s` `epoch-end t-0 0` `delete t-0 before 3` `elect preferred\|unclean t-0` | |
//! | `reassign t-0 to 2,3 [same factor]` `reassign t-0 back` `reassignments` | replicas move; what was begun is given up; what is under way |
//! | `join g m1 m2 [static s] [session 500ms]` `sync g m1=t-0 …` `beat g m1` `leave g m1` `group g` | group members |
//! | `commit g t-0 5 [as m1]` `committed g t-0` | offsets |
//! | `vote 2 for 3 epoch 5 log 10@2\|of 1 [pre]` `begin 2 leader 3 epoch 5` `end 2 leader 1 epoch 1 [prefer 2,3]` | requests of the quorum, one by one |
//! | `quorum-fetch 1 as 2 epoch 1 at 10@1` | and its Fetch |
//! | `show t-0` `show quorum` `show nodes` `show disk 1` | what the cluster looks like from inside |

mod cluster;
mod groups;
mod moves;
mod records;
mod show;
mod stage;
mod until;
mod voters;
mod words;

pub use stage::plan;

use crate::trace::Keep;
use stage::Stage;
use words::{Told, Words};

/// A scenario as it was played.
#[derive(Debug)]
pub struct Played {
    /// The text with the answers that the cluster gave.
    pub text: String,
    /// A promise that was broken on the way, or a line that could not be understood; the play ended there.
    pub broken: Option<String>,
}

/// Plays a scenario.
pub fn play(text: &str, keep: Keep) -> Played {
    let mut stage = Stage::new(keep);
    let mut played = Played { text: String::new(), broken: None };
    for (number, line) in text.lines().enumerate() {
        if line.starts_with(char::is_whitespace) && !line.trim().is_empty() {
            continue;
        }
        played.text.push_str(line.trim_end());
        played.text.push('\n');
        if line.is_empty() || line.starts_with('#') || played.broken.is_some() {
            continue;
        }
        let told = Words::of(line).and_then(|words| perform(&mut stage, words));
        let broken = stage.broken();
        match told {
            Ok(lines) => lines.iter().for_each(|line| played.text.push_str(&format!("    {line}\n"))),
            Err(wrong) => played.broken = Some(format!("line {}: {line}: {wrong}", number + 1)),
        }
        played.broken = broken.map(|what| format!("line {}: {line}: {what}", number + 1)).or(played.broken);
    }
    played
}

/// The names of a line of the story: `# Kills: one, two`.
pub fn named<'a>(text: &'a str, what: &str) -> Vec<&'a str> {
    let lines = text.lines().filter_map(|line| line.strip_prefix("# ")?.strip_prefix(what)?.strip_prefix(':'));
    lines.flat_map(|names| names.split(',')).map(str::trim).collect()
}

fn perform(stage: &mut Stage, mut words: Words) -> Told {
    let verb = words.word("a verb")?;
    let told = match verb.as_str() {
        "cluster" => cluster::cluster(stage, &mut words),
        "topic" => cluster::topic(stage, &mut words),
        "drop" => cluster::drop_topic(stage, &mut words),
        "set" => cluster::set(stage, &mut words),
        "kill" | "crash" | "stop" | "start" | "pause" | "resume" => cluster::process(stage, &verb, &mut words),
        "cut" => cluster::cut(stage, &mut words, true),
        "mend" => cluster::cut(stage, &mut words, false),
        "stall" => cluster::stall(stage, &mut words),
        "isolate" => cluster::isolate(stage, &mut words),
        "heal" => cluster::heal(stage),
        "reset" => cluster::reset(stage, &mut words),
        "disk" => cluster::disk(stage, &mut words),
        "clock" => cluster::clock(stage, &mut words),
        "unregister" => cluster::unregister(stage, &mut words),
        "elect" => cluster::elect(stage, &mut words),
        "reassign" => moves::reassign(stage, &mut words),
        "reassignments" => moves::reassignments(stage),
        "loss" => cluster::loss(stage),
        "wait" => until::wait(stage, &mut words),
        "until" => until::until(stage, &mut words),
        "producer" => records::producer(stage, &mut words),
        "produce" => records::produce(stage, &mut words),
        "again" => records::again(stage, &mut words),
        "await" => records::settle(stage, &mut words),
        "fetch" => records::fetch(stage, &mut words),
        "consume" => records::consume(stage, &mut words),
        "offsets" => records::offsets(stage, &mut words),
        "epoch-end" => records::epoch_end(stage, &mut words),
        "delete" => records::delete(stage, &mut words),
        "join" => groups::join(stage, &mut words),
        "sync" => groups::sync(stage, &mut words),
        "beat" => groups::beat(stage, &mut words),
        "leave" => groups::leave(stage, &mut words),
        "group" => groups::describe(stage, &mut words),
        "commit" => groups::commit(stage, &mut words),
        "committed" => groups::committed(stage, &mut words),
        "vote" => voters::vote(stage, &mut words),
        "begin" => voters::begin(stage, &mut words),
        "end" => voters::end(stage, &mut words),
        "quorum-fetch" => voters::fetch(stage, &mut words),
        "show" => show::show(stage, &mut words),
        _ => return Err(format!("there is no verb {verb}")),
    }?;
    words.end()?;
    Ok(told)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_answers_make_way_and_the_story_stays() {
        let text = "# A story.\n# Kills: one, two\n\nwait 1s\n    nonsense\n# on\n";
        let played = play(text, Keep::Nothing);
        assert_eq!(played.broken.as_deref(), Some("line 4: wait 1s: there is no cluster yet"));
        assert_eq!(played.text, "# A story.\n# Kills: one, two\n\nwait 1s\n# on\n");
        assert_eq!(named(text, "Kills"), ["one", "two"]);
    }

    #[test]
    fn a_line_that_is_not_understood_is_named() {
        let broken = |text| play(text, Keep::Nothing).broken.unwrap_or_default();
        assert_eq!(broken("dance"), "line 1: dance: there is no verb dance");
        assert!(broken("cluster 0").contains("nodes"), "{}", broken("cluster 0"));
    }

    #[test]
    fn a_cluster_takes_a_record_and_gives_it_back() {
        let played = play("cluster 1\ntopic t replicas 1\nproduce t-0 a b\nconsume t-0\n", Keep::Nothing);
        assert_eq!(played.broken, None);
        assert!(played.text.ends_with("produce t-0 a b\n    at 0\nconsume t-0\n    0 a, 1 b\n"), "{}", played.text);
    }
}
