//! The decisions held against OTP's rules written the way OTP does it: a supervisor that waits for each child.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use proptest::prelude::*;

use super::house::{FAILED, House, Start, key, name, plan};
use crate::core::policy::{Exhausted, Remedy, Restart, RestartPolicy, Strategy as Group, Time};
use crate::core::{Event, How, Key, Plan, State};

#[derive(Clone, Copy, Debug, PartialEq)]
enum Pid {
    Undefined,
    Alive(u64),
    Restarting,
    /// Ended for good.
    Gone,
}

#[derive(Clone, Debug)]
struct Kid {
    key: Key,
    plan: Plan,
    pid: Pid,
    born: u64,
    charges: Vec<Time>,
}

/// A supervisor that does one thing at a time and has a mailbox for the rest.
struct Otp {
    group: Group,
    kids: Vec<Kid>,
    mail: VecDeque<(Key, u64, How)>,
    /// Restarts to be tried again: the first child of each group.
    tries: VecDeque<Key>,
    starts: BTreeMap<Key, VecDeque<Start>>,
    now: Time,
    trace: Vec<String>,
    ended: bool,
}

impl Otp {
    fn init(&mut self) {
        for at in 0..self.kids.len() {
            if let Err(_how) = self.try_start(at) {
                self.kids[at].pid = Pid::Undefined;
                let why = format!("exit: {} did not start", name(self.kids[at].key));
                return self.terminate(&why);
            }
        }
        self.trace.push("ready".into());
        self.read_mail();
    }

    fn try_start(&mut self, at: usize) -> Result<(), How> {
        let kid = &mut self.kids[at];
        kid.born += 1;
        self.trace.push(format!("start {}{}", name(kid.key), kid.born));
        match self.starts.entry(kid.key).or_default().pop_front().unwrap_or(Start::Runs) {
            Start::Fails(how) => return Err(how),
            Start::RunsAndEnds(how) => self.mail.push_back((kid.key, kid.born, how)),
            Start::Runs | Start::Hangs => {}
        }
        kid.pid = Pid::Alive(kid.born);
        Ok(())
    }

    fn read_mail(&mut self) {
        while let Some((key, born, how)) = self.mail.pop_front() {
            if !self.ended {
                self.handle_exit(key, born, how);
            }
        }
    }

    fn handle_exit(&mut self, key: Key, born: u64, how: How) {
        let Some(at) = self.kids.iter().position(|kid| kid.key == key && kid.pid == Pid::Alive(born)) else {
            return;
        };
        self.kids[at].pid = Pid::Undefined;
        let normal = matches!(how, How::Normal | How::Shutdown);
        if how == How::Abnormal(Remedy::Escalate) {
            return self.terminate(&format!("exit: {} escalated", name(key)));
        }
        match self.kids[at].plan.kind {
            Restart::Temporary => self.delete(at),
            Restart::Transient if normal => self.kids[at].pid = Pid::Gone,
            _ if how == How::Abnormal(Remedy::Stop) => self.kids[at].pid = Pid::Gone,
            _ => {
                if self.charge(at) {
                    self.restart_group(key);
                }
            }
        }
    }

    /// Whether a restart is granted; otherwise what follows has been done.
    fn charge(&mut self, at: usize) -> bool {
        let now = self.now;
        let kid = &mut self.kids[at];
        let limit = match kid.plan.policy {
            RestartPolicy::Never => 0,
            RestartPolicy::Once => 1,
            RestartPolicy::Bounded { max_restarts, within } => {
                kid.charges.retain(|charge| now - *charge <= within);
                max_restarts as usize
            }
        };
        if kid.charges.len() < limit {
            kid.charges.push(now);
            return true;
        }
        if kid.plan.exhausted == Exhausted::EndChild {
            kid.pid = Pid::Gone;
        } else {
            let why = format!("exit: {} exhausted {}", name(kid.key), kid.charges.len());
            self.terminate(&why);
        }
        false
    }

    fn members(&self, first: Key) -> Vec<Key> {
        let keys = self.kids.iter().map(|kid| kid.key);
        match self.group {
            Group::OneForOne => vec![first],
            Group::OneForAll => keys.collect(),
            Group::RestForOne => keys.skip_while(|key| *key != first).collect(),
        }
    }

    fn restart_group(&mut self, first: Key) {
        let members = self.members(first);
        self.tries.retain(|other| !members.contains(other));
        self.stop_all(&members);
        if !self.ended {
            self.start_all(&members);
        }
    }

    fn stop_all(&mut self, members: &[Key]) {
        for key in members.iter().rev() {
            let Some(at) = self.kids.iter().position(|kid| kid.key == *key) else { continue };
            if let Pid::Alive(born) = self.kids[at].pid {
                let dead = self.mail.iter().find(|mail| (mail.0, mail.1) == (*key, born)).map(|mail| mail.2);
                self.mail.retain(|mail| (mail.0, mail.1) != (*key, born));
                if dead.is_none() {
                    self.trace.push(format!("stop {}", name(*key)));
                }
                self.kids[at].pid = Pid::Undefined;
                match dead {
                    _ if self.ended => {}
                    Some(How::Abnormal(Remedy::Escalate)) => {
                        return self.terminate(&format!("exit: {} escalated", name(*key)));
                    }
                    Some(How::Abnormal(Remedy::Stop)) => self.kids[at].pid = Pid::Gone,
                    _ if self.kids[at].plan.kind == Restart::Temporary => self.delete(at),
                    _ => {}
                }
            }
        }
    }

    fn start_all(&mut self, members: &[Key]) {
        for key in members {
            let Some(at) = self.kids.iter().position(|kid| kid.key == *key) else { continue };
            if self.kids[at].pid == Pid::Gone {
                continue;
            }
            let Err(how) = self.try_start(at) else { continue };
            self.kids[at].pid = Pid::Undefined;
            match how {
                How::Abnormal(Remedy::Escalate) => {
                    return self.terminate(&format!("exit: {} escalated", name(*key)));
                }
                How::Abnormal(Remedy::Stop) => self.kids[at].pid = Pid::Gone,
                _ if self.charge(at) => {
                    self.kids[at].pid = Pid::Restarting;
                    let group = self.members(*key);
                    self.stop_all(&group);
                    if !self.ended {
                        self.tries.push_back(*key);
                    }
                    return;
                }
                _ if self.ended => return,
                _ => {}
            }
        }
    }

    fn try_again(&mut self) {
        if let Some(first) = self.tries.pop_front() {
            self.restart_group(first);
            self.read_mail();
        }
    }

    fn add(&mut self, key: Key, plan: Plan) {
        if self.ended {
            return;
        }
        self.kids.push(Kid { key, plan, pid: Pid::Undefined, born: 0, charges: vec![] });
        let at = self.kids.len() - 1;
        match self.try_start(at) {
            Ok(()) => self.trace.push(format!("added {}", name(key))),
            Err(_) => {
                self.trace.push(format!("refused {}: DidNotStart", name(key)));
                self.delete(at);
            }
        }
        self.read_mail();
    }

    fn remove(&mut self, key: Key) {
        let Some(at) = self.kids.iter().position(|kid| kid.key == key) else { return };
        if self.ended {
            return;
        }
        if let Pid::Alive(_) = self.kids[at].pid {
            self.trace.push(format!("stop {}", name(key)));
        }
        self.trace.push(format!("removed {}", name(key)));
        self.delete(at);
    }

    /// A restart that was to begin with it begins with the next one.
    fn delete(&mut self, at: usize) {
        let gone = self.kids.remove(at).key;
        let next = self.kids.get(at).map(|kid| kid.key);
        let all = self.group == Group::OneForAll;
        let heir = if all { next.or(self.kids.last().map(|kid| kid.key)) } else { next };
        match heir {
            Some(heir) if self.group != Group::OneForOne => {
                self.tries.iter_mut().filter(|first| **first == gone).for_each(|first| *first = heir);
            }
            _ => self.tries.retain(|first| *first != gone),
        }
    }

    fn terminate(&mut self, why: &str) {
        self.ended = true;
        let all: Vec<Key> = self.kids.iter().map(|kid| kid.key).collect();
        self.stop_all(&all);
        self.tries.clear();
        self.trace.push(why.to_owned());
    }
}

#[derive(Clone, Debug)]
enum Deed {
    /// These children end by themselves, at once.
    Exit(Vec<(u8, How)>),
    TryAgain,
    Wait(u64),
    Add(Plan),
    Remove(u8),
    Shutdown,
}

pub(super) fn how() -> impl proptest::strategy::Strategy<Value = How> {
    prop_oneof![
        8 => Just(FAILED),
        2 => Just(How::Normal),
        1 => Just(How::Shutdown),
        1 => Just(How::Abnormal(Remedy::Stop)),
        1 => Just(How::Abnormal(Remedy::Escalate)),
    ]
}

fn any_start() -> impl proptest::strategy::Strategy<Value = Start> {
    prop_oneof![6 => Just(Start::Runs), 2 => how().prop_map(Start::Fails), 2 => how().prop_map(Start::RunsAndEnds)]
}

pub(super) fn any_plan() -> impl proptest::strategy::Strategy<Value = Plan> {
    let kind = prop_oneof![6 => Just(Restart::Permanent), 2 => Just(Restart::Transient), 1 => Just(Restart::Temporary)];
    let bounded = (0..6_u32, 1..20_u64).prop_map(|(max_restarts, seconds)| RestartPolicy::Bounded {
        max_restarts,
        within: Duration::from_secs(seconds),
    });
    let policy = prop_oneof![8 => bounded, 1 => Just(RestartPolicy::Once), 1 => Just(RestartPolicy::Never)];
    let exhausted = prop_oneof![3 => Just(Exhausted::Escalate), 1 => Just(Exhausted::EndChild)];
    (kind, policy, exhausted).prop_map(|(kind, policy, exhausted)| Plan { kind, policy, exhausted, ..plan() })
}

fn any_deed() -> impl proptest::strategy::Strategy<Value = Deed> {
    prop_oneof![
        8 => prop::collection::vec((0..6_u8, how()), 1..4).prop_map(Deed::Exit),
        4 => Just(Deed::TryAgain),
        4 => (0..12_u64).prop_map(Deed::Wait),
        2 => any_plan().prop_map(Deed::Add),
        1 => (0..6_u8).prop_map(Deed::Remove),
        1 => Just(Deed::Shutdown),
    ]
}

pub(super) fn any_group() -> impl proptest::strategy::Strategy<Value = Group> {
    prop_oneof![Just(Group::OneForOne), Just(Group::OneForAll), Just(Group::RestForOne)]
}

/// What both can be compared by; `end` and `forget` have their place in the final books instead.
fn comparable(trace: &[String]) -> Vec<String> {
    let told = |line: &&String| !["end ", "forget ", "exhausted "].iter().any(|word| line.starts_with(word));
    trace.iter().filter(told).cloned().collect()
}

fn books(house: &House) -> Vec<(Key, &'static str, u64)> {
    let state = |child: &crate::core::Child| match child.state {
        State::Running => "up",
        State::Ended => "gone",
        _ => "down",
    };
    house.core.children().iter().map(|child| (child.key, state(child), child.incarnation)).collect()
}

impl Otp {
    fn books(&self) -> Vec<(Key, &'static str, u64)> {
        let state = |kid: &Kid| match kid.pid {
            Pid::Alive(_) => "up",
            Pid::Gone => "gone",
            _ => "down",
        };
        self.kids.iter().map(|kid| (kid.key, state(kid), kid.born)).collect()
    }
}

fn run(
    group: Group,
    plans: &[Plan],
    starts: &BTreeMap<Key, VecDeque<Start>>,
    deeds: &[Deed],
) -> Result<(), TestCaseError> {
    let kids = plans.iter().enumerate().map(|(n, plan)| Kid {
        key: Key(n as u64),
        plan: *plan,
        pid: Pid::Undefined,
        born: 0,
        charges: vec![],
    });
    let mut house = House::new(group, plans);
    house.starts = starts.clone();
    let mut otp = Otp {
        group,
        kids: kids.collect(),
        mail: VecDeque::new(),
        tries: VecDeque::new(),
        starts: starts.clone(),
        now: Time::default(),
        trace: vec![],
        ended: false,
    };
    house.send(Event::Start);
    otp.init();
    let mut next = plans.len() as u64;
    for deed in deeds {
        if otp.ended {
            break;
        }
        act(&mut house, &mut otp, deed, &mut next);
        prop_assert_eq!(comparable(&house.trace), comparable(&otp.trace), "after {:?}", deed);
        if !otp.ended {
            prop_assert_eq!(books(&house), otp.books(), "after {:?}", deed);
        }
    }
    Ok(())
}

fn act(house: &mut House, otp: &mut Otp, deed: &Deed, next: &mut u64) {
    match deed {
        Deed::Exit(exits) => exit_all(house, otp, exits),
        Deed::TryAgain => {
            house.come_back();
            otp.try_again();
        }
        Deed::Wait(seconds) => {
            house.now = house.now + Duration::from_secs(*seconds);
            otp.now = house.now;
        }
        Deed::Add(plan) => {
            let child = Key(*next);
            *next += 1;
            house.send(Event::Add { child, plan: (*plan).into() });
            otp.add(child, *plan);
        }
        Deed::Remove(child) => {
            house.send(Event::Remove(Key(u64::from(*child))));
            otp.remove(Key(u64::from(*child)));
        }
        Deed::Shutdown => {
            house.send(Event::Shutdown);
            otp.terminate("exit: shutdown");
        }
    }
}

/// Each child that runs ends once, all before the supervisor hears of any.
fn exit_all(house: &mut House, otp: &mut Otp, exits: &[(u8, How)]) {
    let mut seen = vec![];
    for (child, how) in exits {
        let child = Key(u64::from(*child));
        let born = otp.kids.iter().find_map(|kid| match kid.pid {
            Pid::Alive(born) if kid.key == child => Some(born),
            _ => None,
        });
        if let Some(born) = born.filter(|_| !seen.contains(&child)) {
            seen.push(child);
            otp.mail.push_back((child, born, *how));
            house.post(Event::Exited { child, incarnation: born, how: *how });
        }
        // Under `OneForOne` restarts do not wait for each other, which a supervisor that waits cannot model.
        if otp.group == Group::OneForOne {
            house.deliver();
            otp.read_mail();
        }
    }
    house.deliver();
    otp.read_mail();
}

proptest! {
    #![proptest_config(super::cases(4_000))]

    /// Whatever children do, the step decides what OTP's supervisor would have done.
    #[test]
    fn step_decides_what_a_supervisor_that_waits_would_decide(
        group in any_group(),
        plans in prop::collection::vec(any_plan(), 1..5),
        starts in prop::collection::btree_map((0..6_u64).prop_map(Key), prop::collection::vec(any_start(), 0..6), 0..5),
        deeds in prop::collection::vec(any_deed(), 0..24),
    ) {
        let one = group == Group::OneForOne;
        let tame = |start| if one && matches!(start, Start::RunsAndEnds(_)) { Start::Runs } else { start };
        let tame_all = |starts: Vec<Start>| starts.into_iter().map(tame).collect::<VecDeque<_>>();
        let starts = starts.into_iter().map(|(key, starts)| (key, tame_all(starts))).collect();
        run(group, &plans, &starts, &deeds)?;
    }
}

/// The first `deed` of the history that the property first stumbled over.
#[test]
fn a_child_added_while_a_group_waits_is_not_restarted_twice() {
    let starts = BTreeMap::from([
        (key('a'), VecDeque::from([Start::Runs, Start::Fails(FAILED)])),
        (key('b'), VecDeque::from([Start::Runs, Start::Fails(FAILED)])),
    ]);
    let exit = |child| Deed::Exit(vec![(child, FAILED)]);
    let deeds = [exit(0), Deed::Add(plan()), exit(1), Deed::TryAgain, Deed::TryAgain];
    for group in [Group::OneForOne, Group::OneForAll, Group::RestForOne] {
        run(group, &[plan()], &starts, &deeds).expect("both decide the same");
    }
}

/// Two that fell together and cannot be helped: the one that is stopped first, which is the last, is the cause.
#[test]
fn of_two_that_escalate_in_a_group_restart_the_last_is_the_cause() {
    let escalates = How::Abnormal(Remedy::Escalate);
    let deeds = [Deed::Exit(vec![(0, FAILED), (1, escalates), (2, escalates)])];
    for group in [Group::OneForAll, Group::RestForOne] {
        run(group, &[plan(); 3], &BTreeMap::new(), &deeds).expect("both decide the same");
    }
}

/// The restart of a group that nobody is left of must not fall upon who comes later.
#[test]
fn a_restart_ends_with_the_last_child_that_waits_for_it() {
    let starts = BTreeMap::from([(key('a'), VecDeque::from([Start::Runs, Start::Fails(FAILED)]))]);
    let deeds = [
        Deed::Exit(vec![(0, FAILED)]),
        Deed::Add(plan()),
        Deed::Remove(0),
        Deed::Remove(1),
        Deed::Add(plan()),
        Deed::TryAgain,
    ];
    for group in [Group::OneForOne, Group::OneForAll, Group::RestForOne] {
        run(group, &[plan()], &starts, &deeds).expect("both decide the same");
    }
}
