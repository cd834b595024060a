//! Subscribers that keep up, lag, leave and outlive the tree.

use super::*;

fn told(hub: &Hub, numbers: std::ops::Range<u64>) {
    for incarnation in numbers {
        let (supervisor, child) = ("top".into(), "child".into());
        hub.tell(&Report {
            supervisor,
            child,
            incarnation,
            at: Time::ZERO,
            what: Lifecycle::Started,
            note: String::new(),
        });
    }
}

fn show(received: Option<Received>) -> String {
    match received {
        Some(Received::Report(report)) => report.incarnation.to_string(),
        Some(Received::Lagged(n)) => format!("lagged {n}"),
        None => "nothing".to_owned(),
    }
}

#[test]
fn a_subscriber_that_lags_is_told_how_much_and_gets_the_newest() {
    let hub = Hub::default();
    let (slow, fast) = (hub.subscribe(&Runtime::threads(), 3), hub.subscribe(&Runtime::threads(), 100));
    told(&hub, 0..10);
    hub.close();
    assert_eq!(slow.map(Some).map(show).collect::<Vec<_>>(), ["lagged 7", "7", "8", "9"]);
    assert_eq!(fast.map(Some).map(show).collect::<Vec<_>>().len(), 10);
}

#[test]
fn a_subscriber_that_left_costs_nothing() {
    let hub = Hub::default();
    drop(hub.subscribe(&Runtime::threads(), 1));
    told(&hub, 0..2);
    assert!(hub.subscribers.lock().is_empty());
}

#[test]
fn nothing_is_there_until_it_is_told() {
    let hub = Hub::default();
    let reports = hub.subscribe(&Runtime::threads(), 0);
    assert_eq!(show(reports.try_recv()), "nothing");
    assert_eq!(show(reports.recv_timeout(Duration::from_millis(1))), "nothing");
    told(&hub, 1..2);
    assert_eq!(show(reports.recv()), "1", "a capacity of zero is one");
}
