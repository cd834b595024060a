//! Progress on standard error; it is hidden when that is no terminal.

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

const BAR: &str = "{prefix:>10} {wide_bar:.cyan/blue} {human_pos}/{human_len} {per_sec} {msg}";
const BYTES: &str = "{prefix:>10} {wide_bar:.cyan/blue} {bytes}/{total_bytes} {bytes_per_sec}";
const SPINNER: &str = "{prefix:>10} {spinner} {human_pos} {per_sec} {msg}";

/// A bar that counts to `length`.
pub(crate) fn bar(name: &'static str, length: u64) -> ProgressBar {
    ProgressBar::new(length).with_prefix(name).with_style(style(BAR))
}

/// A bar for bytes; a spinner where nobody knows how many there will be.
pub(crate) fn bytes(name: &'static str, length: Option<u64>) -> ProgressBar {
    match length {
        Some(length) => ProgressBar::new(length).with_prefix(name).with_style(style(BYTES)),
        None => spinner(name),
    }
}

/// A count without an end.
pub(crate) fn spinner(name: &'static str) -> ProgressBar {
    ProgressBar::no_length().with_prefix(name).with_style(style(SPINNER))
}

/// Several bars, one below the other.
#[derive(Debug, Default)]
pub(crate) struct Bars {
    bars: MultiProgress,
}

impl Bars {
    /// Adds a bar below the others.
    pub(crate) fn add(&self, bar: ProgressBar) -> ProgressBar {
        self.bars.add(bar)
    }

    /// Takes all bars from the terminal.
    pub(crate) fn clear(&self) {
        // A terminal that cannot be cleared is no reason to fail.
        let _ = self.bars.clear();
    }
}

fn style(template: &str) -> ProgressStyle {
    // The templates are constants; the plain bar stands in for one that does not parse.
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}
