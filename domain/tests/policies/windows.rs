//! Hours of the week, in zones whose clocks change.

use scaivault_domain::policy::TimeWindow;
use scaivault_domain::policy::window::{WindowFault, WindowText};

use super::sample::moment;

fn text(days: Option<&[&str]>, hours: (&str, &str), timezone: Option<&str>) -> WindowText {
    WindowText {
        days: days.map(|days| days.iter().map(|day| (*day).to_owned()).collect()),
        start: hours.0.into(),
        end: hours.1.into(),
        timezone: timezone.map(Into::into),
    }
}

#[track_caller]
fn holds(window: &WindowText, at: &str, expected: bool) {
    let window = TimeWindow::parse(window.clone()).unwrap();
    assert_eq!(window.holds(moment(at)), expected, "{at}");
}

#[test]
fn it_includes_its_start_and_not_its_end() {
    let window = text(None, ("08:00", "18:00"), None);
    for (at, expected) in [
        ("2026-04-23T07:59:59.999999Z", false),
        ("2026-04-23T08:00:00Z", true),
        ("2026-04-23T17:59:59.999999Z", true),
        ("2026-04-23T18:00:00Z", false),
    ] {
        holds(&window, at, expected);
    }
}

#[test]
fn it_counts_in_minutes() {
    let window = text(None, ("08:30", "09:15"), None);
    for (at, expected) in [
        ("2026-04-23T07:45:00Z", false),
        ("2026-04-23T08:29:59Z", false),
        ("2026-04-23T08:30:00Z", true),
        ("2026-04-23T09:14:59Z", true),
        ("2026-04-23T09:15:00Z", false),
    ] {
        holds(&window, at, expected);
    }
    let debug = format!("{:?}", TimeWindow::parse(window).unwrap());
    assert!(debug.contains("08:30") && debug.contains("09:15"), "{debug}");
}

#[test]
fn one_that_passes_midnight_belongs_to_the_day_it_starts_on() {
    let window = text(Some(&["fri"]), ("22:00", "06:00"), None);
    for (at, expected) in [
        ("2026-04-23T23:00:00Z", false), // Thursday night
        ("2026-04-24T05:00:00Z", false), // what is left of it
        ("2026-04-24T21:59:00Z", false),
        ("2026-04-24T22:00:00Z", true), // Friday night
        ("2026-04-25T05:59:59Z", true),
        ("2026-04-25T06:00:00Z", false),
        ("2026-04-25T23:00:00Z", false), // Saturday night
    ] {
        holds(&window, at, expected);
    }
}

#[test]
fn days_and_hours_are_those_of_the_zone() {
    let window = text(Some(&["mon"]), ("08:00", "09:00"), Some("Europe/Amsterdam"));
    // Clocks there go forward on 2026-03-29 and back on 2026-10-25.
    for (at, expected) in [
        ("2026-03-23T07:30:00Z", true),
        ("2026-03-30T06:30:00Z", true),
        ("2026-03-30T07:30:00Z", false),
        ("2026-10-26T07:30:00Z", true),
        ("2026-10-27T07:30:00Z", false),
    ] {
        holds(&window, at, expected);
    }
    let far = text(Some(&["tue"]), ("00:00", "01:00"), Some("Pacific/Kiritimati"));
    holds(&far, "2026-04-20T10:30:00Z", true);
    holds(&far, "2026-04-21T10:30:00Z", false);
}

#[test]
fn what_makes_no_sense_is_named() {
    for (window, fault) in [
        (text(Some(&["Mon"]), ("08:00", "18:00"), None), WindowFault::Day),
        (text(Some(&[]), ("08:00", "18:00"), None), WindowFault::NoDays),
        (text(None, ("8:00", "18:00"), None), WindowFault::Time),
        (text(None, ("08:00", "24:00"), None), WindowFault::Time),
        (text(None, ("08:60", "18:00"), None), WindowFault::Time),
        (text(None, ("08.00", "18:00"), None), WindowFault::Time),
        (text(None, ("+8:00", "18:00"), None), WindowFault::Time),
        (text(None, ("08:00", "08:00"), None), WindowFault::Empty),
        (text(None, ("08:00", "18:00"), Some("Mars/Base")), WindowFault::Zone),
    ] {
        assert_eq!(TimeWindow::parse(window.clone()), Err(fault), "{window:?}");
    }
    let faults = [WindowFault::Day, WindowFault::NoDays, WindowFault::Time, WindowFault::Empty, WindowFault::Zone];
    let reasons = ["unknown_day", "no_days", "invalid_time", "start_equals_end", "unknown_timezone"];
    assert_eq!(faults.map(WindowFault::as_str), reasons);
}

#[test]
fn a_stored_zone_that_is_not_known_here_holds_never() {
    let stored = r#"{"start":"00:00","end":"23:59","timezone":"Mars/Base"}"#;
    let window: TimeWindow = serde_json::from_str(stored).unwrap();
    assert!(!window.holds(moment("2026-04-23T12:00:00Z")));
    assert_eq!(serde_json::to_string(&window).unwrap(), stored);
    assert!(serde_json::from_str::<TimeWindow>(r#"{"start":"x","end":"23:59"}"#).is_err());
}
