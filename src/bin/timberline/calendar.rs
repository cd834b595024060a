//! Days and months of the civil calendar, in UTC.

const MICROS_PER_SECOND: u64 = 1_000_000;
const SECONDS_PER_DAY: i64 = 86_400;

/// Microseconds since 1970 began, as `2024-02-29 12:34:56.789`.
pub(crate) fn utc(micros: u64) -> String {
    let seconds = (micros / MICROS_PER_SECOND) as i64;
    let (year, month, day) = date(seconds);
    let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    let millis = micros % MICROS_PER_SECOND / 1000;
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}.{millis:03}")
}

/// Months since 1970 began, of a time in seconds since then. A time no calendar knows becomes the nearest it knows.
pub(crate) fn month_of(seconds: i64) -> i32 {
    // Year 0 to year 9999: commits may carry any number.
    let seconds = seconds.clamp(-62_167_219_200, 253_402_300_799);
    let (year, month, _) = date(seconds);
    ((year - 1970) * 12 + month - 1) as i32
}

/// A month as `2024-02`.
pub(crate) fn month_name(month: i32) -> String {
    format!("{:04}-{:02}", 1970 + month.div_euclid(12), month.rem_euclid(12) + 1)
}

/// Year, month and day. Years are counted from March, so that the leap day is a year's last.
fn date(seconds: i64) -> (i64, i64, i64) {
    let days = seconds.div_euclid(SECONDS_PER_DAY) + 719_468; // since 0000-03-01
    let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_become_dates_also_around_leap_days_and_before_1970() {
        for (seconds, expected) in [
            (0, (1970, 1, 1)),
            (-1, (1969, 12, 31)),
            (951_782_400, (2000, 2, 29)),
            (951_868_800, (2000, 3, 1)),
            (1_709_210_096, (2024, 2, 29)),
            (4_107_542_400, (2100, 3, 1)),
            (-62_167_219_200, (0, 1, 1)),
        ] {
            assert_eq!(date(seconds), expected, "{seconds}");
        }
        assert_eq!(utc(1_709_210_096_789_000), "2024-02-29 12:34:56.789");
    }

    #[test]
    fn months_are_counted_whatever_time_a_commit_carries() {
        assert_eq!((month_of(0), month_of(-1), month_of(951_782_400)), (0, -1, 361));
        assert_eq!((month_name(361), month_name(-1)), ("2000-02".to_owned(), "1969-12".to_owned()));
        assert_eq!(month_name(month_of(i64::MAX)), "9999-12");
        assert_eq!(month_name(month_of(i64::MIN)), "0000-01");
    }
}
