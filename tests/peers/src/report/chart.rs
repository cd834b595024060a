//! The chart: an SVG of bars on a logarithmic scale, one group for each row of rates.

use super::{Line, number};
use crate::stores::{FLOOR, OURS};
use std::fmt::Write;

const WIDTH: f64 = 900.0;
const LABEL: f64 = 90.0;
const BAR: f64 = 14.0;
const HEAD: f64 = 26.0;
const GAP: f64 = 12.0;
/// Room right of the longest bar for its number.
const NUMBER: f64 = 70.0;

/// The rows of rates as bars: longer is faster, each step to the right ten times. `caption` says where and when.
pub fn chart(names: &[&str], lines: &[Line], caption: &str) -> String {
    let rates: Vec<_> = lines.iter().filter(|line| line.row.unit.more_is_better()).collect();
    let values = rates.iter().flat_map(|line| line.cells.iter().filter_map(|cell| cell.median()));
    let decades = values.fold((f64::MAX, 1.0_f64), |(least, most), value| {
        (least.min(value.log10().floor()), most.max(value.log10().ceil()))
    });
    let mut body = String::new();
    let mut y = HEAD + GAP;
    for line in &rates {
        text(&mut body, 10.0, y + BAR, "title", line.row.title);
        y += HEAD - GAP / 2.0;
        for (name, cell) in names.iter().zip(&line.cells) {
            if let Some(value) = cell.median() {
                bar(&mut body, y, name, value, decades);
                y += BAR + 2.0;
            }
        }
        y += GAP;
    }
    text(&mut body, 10.0, 20.0, "caption", caption);
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {y:.0}\" font-family=\"sans-serif\" \
         font-size=\"11\">\n<style>.title{{font-weight:bold}}.caption{{fill:#666}}.name{{text-anchor:end}}</style>\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n{body}</svg>\n"
    )
}

fn bar(body: &mut String, y: f64, name: &str, value: f64, (least, most): (f64, f64)) {
    let span = (most - least).max(1.0);
    let length = ((value.log10() - least) / span * (WIDTH - LABEL - NUMBER)).max(1.0);
    let fill = match name {
        OURS => "#2a7f4f",
        FLOOR => "#cccccc",
        _ => "#7a93b8",
    };
    text(body, LABEL - 6.0, y + BAR - 3.0, "name", name);
    writeln!(body, "<rect x=\"{LABEL}\" y=\"{y}\" width=\"{length:.1}\" height=\"{BAR}\" fill=\"{fill}\"/>")
        .ok();
    text(body, LABEL + length + 5.0, y + BAR - 3.0, "number", &number(value));
}

fn text(body: &mut String, x: f64, y: f64, class: &str, words: &str) {
    let words = words.replace('&', "&amp;").replace('<', "&lt;");
    writeln!(body, "<text x=\"{x:.1}\" y=\"{y:.1}\" class=\"{class}\">{words}</text>").ok();
}
