//! A run as one HTML page that needs nothing else: a lane for each node and client, what failed, and the trace before it.
//!
//! What is shown is data in the page ([`data`]); `page.js` and its like draw it. They are plain files beside this one.

mod data;

use crate::plan::Plan;
use crate::run::film;
use crate::trace::Keep;

/// How many lines of the trace are kept to choose from.
const LINES: usize = 400_000;

const PAGE: &str = include_str!("page.html");
const PARTS: &[(&str, &str)] = &[
    ("/*STYLE*/", include_str!("page.css")),
    ("/*LANES*/", include_str!("lanes.js")),
    ("/*DRAW*/", include_str!("draw.js")),
    ("/*PAGE*/", include_str!("page.js")),
];

/// Runs the plan and shows the run.
pub fn page(plan: &Plan) -> String {
    let outcome = film(plan, Keep::Last(LINES), u64::MAX);
    let data = data::of(plan, &outcome).to_string();
    // Inside a script element nothing may look like the element's end.
    let data = data.replace("</", "<\\/").replace("<!--", "<\\!--");
    let page = PARTS.iter().fold(PAGE.to_string(), |page, (place, part)| page.replacen(place, part, 1));
    page.replacen("/*RUN*/", &data, 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::draw;

    #[test]
    fn the_page_is_whole_and_needs_nothing_else() {
        let mut plan = draw(2);
        plan.phases.safety_us = 4_000_000;
        plan.phases.quiet_us = 4_500_000;
        plan.faults.retain(|fault| fault.at_us < 4_000_000);
        let page = page(&plan);
        for (place, part) in PARTS {
            assert!(!page.contains(place), "{place} was not filled");
            assert!(page.contains(part.lines().next().unwrap()));
        }
        for outside in ["http://", "https://", "src=", "@import", "url("] {
            assert!(!page.contains(outside), "{outside}: the page must stand alone");
        }
        let begin = page.find("id=\"run\">").expect("the data are there") + "id=\"run\">".len();
        let text = &page[begin..begin + page[begin..].find("</script>").unwrap()];
        let run: serde_json::Value = serde_json::from_str(text).expect("the data are JSON");
        assert_eq!(run["seed"], 2);
        assert_eq!(run["reels"].as_array().unwrap().len(), plan.nodes.len());
        assert_eq!(run["faults"].as_array().unwrap().len(), plan.faults.len());
        let leads = |reel: &serde_json::Value| {
            reel["parts"].as_object().unwrap().values().flat_map(|shots| shots.as_array().unwrap()).any(|shot| {
                shot["role"] == "leads"
                    && shot["epoch"].as_i64().unwrap() >= 0
                    && !shot["isr"].as_array().unwrap().is_empty()
            })
        };
        assert!(run["reels"].as_array().unwrap().iter().any(leads), "somebody led");
        assert!(run["ops"].as_array().unwrap().iter().any(|op| op["state"] == "ok" && op["to"].is_u64()));
        let reach = run["reels"][0]["reach"].as_object().unwrap();
        assert!(reach.values().any(|points| points.as_array().unwrap().len() > 1), "watermarks moved");
        assert!(!run["lines"].as_array().unwrap().is_empty());
    }
}
