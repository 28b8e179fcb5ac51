//! Every arrow of the machine, and that there are no others.

use super::Call::{Prepare, ShowError, ShowProperties, Synchronize};
use super::Input::{
    Asked, CallbackGiven, CallbackTaken, Called, Completed, Initialized, ItemSkipped, Progressed,
    Returned, Told,
};
use super::Stage::{Answered, Running, Waiting};
use super::State::{Busy, Created, Done, Leaving, Prepared, Ready, Released};
use super::Went::{Again, Badly, Well};
use super::*;

const WENT: [Went; 3] = [Well, Badly, Again];
const CALLS: [Call; 3] = [Prepare, Synchronize, ShowError];

/// The arrows that lead somewhere else.
const ARROWS: &[(State, Input, State)] = &[
    (Created, Initialized(Well), State::Initialized),
    (Created, Initialized(Badly), Released),
    (State::Initialized, CallbackGiven, Ready),
    (Ready, CallbackTaken, Released),
    (Ready, Called(Prepare), Busy(Prepare, Running)),
    // Preparing: the return comes first, or the completion does.
    (
        Busy(Prepare, Running),
        Returned(Prepare, Well),
        Busy(Prepare, Waiting),
    ),
    (Busy(Prepare, Running), Returned(Prepare, Badly), Leaving),
    (
        Busy(Prepare, Running),
        Completed(Prepare, Well),
        Busy(Prepare, Answered(Well)),
    ),
    (
        Busy(Prepare, Running),
        Completed(Prepare, Badly),
        Busy(Prepare, Answered(Badly)),
    ),
    (Busy(Prepare, Waiting), Completed(Prepare, Well), Prepared),
    (Busy(Prepare, Waiting), Completed(Prepare, Badly), Leaving),
    (
        Busy(Prepare, Answered(Well)),
        Returned(Prepare, Well),
        Prepared,
    ),
    (
        Busy(Prepare, Answered(Well)),
        Returned(Prepare, Badly),
        Leaving,
    ),
    (
        Busy(Prepare, Answered(Badly)),
        Returned(Prepare, Well),
        Leaving,
    ),
    (
        Busy(Prepare, Answered(Badly)),
        Returned(Prepare, Badly),
        Leaving,
    ),
    (Leaving, CallbackTaken, Released),
    (Prepared, CallbackTaken, Released),
    (Prepared, Called(Synchronize), Busy(Synchronize, Running)),
    // Syncing.
    (
        Busy(Synchronize, Running),
        Returned(Synchronize, Well),
        Busy(Synchronize, Waiting),
    ),
    (
        Busy(Synchronize, Running),
        Returned(Synchronize, Badly),
        Done,
    ),
    (
        Busy(Synchronize, Running),
        Completed(Synchronize, Well),
        Busy(Synchronize, Answered(Well)),
    ),
    (
        Busy(Synchronize, Running),
        Completed(Synchronize, Badly),
        Busy(Synchronize, Answered(Badly)),
    ),
    (
        Busy(Synchronize, Waiting),
        Completed(Synchronize, Well),
        Done,
    ),
    (
        Busy(Synchronize, Waiting),
        Completed(Synchronize, Badly),
        Done,
    ),
    (
        Busy(Synchronize, Answered(Well)),
        Returned(Synchronize, Well),
        Done,
    ),
    (
        Busy(Synchronize, Answered(Well)),
        Returned(Synchronize, Badly),
        Done,
    ),
    (
        Busy(Synchronize, Answered(Badly)),
        Returned(Synchronize, Well),
        Done,
    ),
    (
        Busy(Synchronize, Answered(Badly)),
        Returned(Synchronize, Badly),
        Done,
    ),
    (Done, CallbackTaken, Released),
    (Done, Called(ShowError), Busy(ShowError, Running)),
    // An error that somebody follows.
    (
        Busy(ShowError, Running),
        Returned(ShowError, Well),
        Busy(ShowError, Waiting),
    ),
    (Busy(ShowError, Running), Returned(ShowError, Badly), Done),
    (
        Busy(ShowError, Running),
        Completed(ShowError, Well),
        Busy(ShowError, Answered(Well)),
    ),
    (
        Busy(ShowError, Running),
        Completed(ShowError, Badly),
        Busy(ShowError, Answered(Badly)),
    ),
    (
        Busy(ShowError, Running),
        Completed(ShowError, Again),
        Busy(ShowError, Answered(Again)),
    ),
    (Busy(ShowError, Waiting), Completed(ShowError, Well), Done),
    (Busy(ShowError, Waiting), Completed(ShowError, Badly), Done),
    (Busy(ShowError, Waiting), Completed(ShowError, Again), Ready),
    (
        Busy(ShowError, Answered(Well)),
        Returned(ShowError, Well),
        Done,
    ),
    (
        Busy(ShowError, Answered(Well)),
        Returned(ShowError, Badly),
        Done,
    ),
    (
        Busy(ShowError, Answered(Badly)),
        Returned(ShowError, Well),
        Done,
    ),
    (
        Busy(ShowError, Answered(Badly)),
        Returned(ShowError, Badly),
        Done,
    ),
    (
        Busy(ShowError, Answered(Again)),
        Returned(ShowError, Well),
        Ready,
    ),
    (
        Busy(ShowError, Answered(Again)),
        Returned(ShowError, Badly),
        Done,
    ),
];

fn states() -> Vec<State> {
    let mut states = vec![
        Created,
        State::Initialized,
        Ready,
        Prepared,
        Done,
        Leaving,
        Released,
    ];
    for call in CALLS {
        states.extend([Busy(call, Running), Busy(call, Waiting)]);
        let answers = WENT
            .iter()
            .filter(|went| call == ShowError || **went != Again);
        states.extend(answers.map(|went| Busy(call, Answered(*went))));
    }
    states
}

fn inputs() -> Vec<Input> {
    let mut inputs = vec![
        Asked,
        CallbackGiven,
        CallbackTaken,
        ItemSkipped,
        Progressed,
        Told,
    ];
    inputs.extend(WENT.map(Initialized));
    for call in CALLS {
        inputs.push(Called(call));
        inputs.extend(WENT.map(|went| Returned(call, went)));
        inputs.extend(WENT.map(|went| Completed(call, went)));
    }
    inputs
}

/// What is legal and leaves the instance where it is.
fn stays(state: State, input: Input) -> bool {
    match input {
        Asked => !matches!(state, Created | Released),
        Told => !matches!(state, Created | Released | State::Initialized),
        ItemSkipped => matches!(state, Busy(Prepare | Synchronize, Waiting)),
        Progressed => matches!(state, Busy(Synchronize, Running | Waiting)),
        _ => false,
    }
}

fn at(state: State) -> Machine {
    Machine {
        state,
        properties: None,
    }
}

/// spec 170, 173–175: what each return and completion leads to, and that nothing else is legal.
#[test]
fn there_are_these_arrows_and_no_others() {
    for state in states() {
        for input in inputs() {
            let arrow = ARROWS
                .iter()
                .find(|(from, with, _)| (*from, *with) == (state, input));
            let expected = match arrow {
                Some((_, _, to)) => Ok(*to),
                None if stays(state, input) => Ok(state),
                None => Err(Breach { state, input }),
            };
            let mut machine = at(state);
            let result = machine.apply(input).map(|_| machine.state());
            assert_eq!(result, expected, "{input:?} in {state:?}");
            assert_eq!(at(state).allows(input), expected.is_ok());
            if expected.is_err() {
                assert_eq!(machine, at(state), "a breach changes nothing");
            }
        }
    }
}

#[track_caller]
fn check(story: &[(Input, Next)]) {
    let mut machine = Machine::new();
    assert_eq!(machine.next(), Next::Initialize);
    for (input, next) in story {
        assert_eq!(machine.apply(*input), Ok(*next), "{input:?}");
    }
}

#[test]
fn a_sync_from_beginning_to_end() {
    check(&[
        (Initialized(Well), Next::GiveCallback),
        (Asked, Next::GiveCallback),
        (CallbackGiven, Next::Prepare),
        (Called(Prepare), Next::WaitForReturn(Prepare)),
        (Returned(Prepare, Well), Next::WaitForCompletion(Prepare)),
        (ItemSkipped, Next::WaitForCompletion(Prepare)),
        (Completed(Prepare, Well), Next::Synchronize),
        (Called(Synchronize), Next::WaitForReturn(Synchronize)),
        (Progressed, Next::WaitForReturn(Synchronize)),
        (
            Returned(Synchronize, Well),
            Next::WaitForCompletion(Synchronize),
        ),
        (Told, Next::WaitForCompletion(Synchronize)),
        (Completed(Synchronize, Well), Next::ShowLog),
        (CallbackTaken, Next::Release),
    ]);
}

/// spec 170: an instance that declines the event, or fails at it, is let go at once.
#[test]
fn who_declines_the_event_is_let_go() {
    check(&[(Initialized(Badly), Next::Release)]);
}

/// spec 173: with nothing chosen there is no sync.
#[test]
fn with_nothing_chosen_the_callback_is_taken_and_the_instance_let_go() {
    check(&[
        (Initialized(Well), Next::GiveCallback),
        (CallbackGiven, Next::Prepare),
        (CallbackTaken, Next::Release),
    ]);
}

/// spec 174, 183: without a successful preparation nothing is synced, and the callback is taken away
/// before the instance is let go.
#[test]
fn a_preparation_that_fails_leads_out() {
    for end in [
        vec![Returned(Prepare, Badly)],
        vec![Returned(Prepare, Well), Completed(Prepare, Badly)],
        vec![Completed(Prepare, Badly), Returned(Prepare, Well)],
        vec![Completed(Prepare, Well), Returned(Prepare, Badly)],
    ] {
        let mut machine = at(Busy(Prepare, Running));
        for input in end {
            machine.apply(input).unwrap();
        }
        assert_eq!(machine.next(), Next::TakeCallback);
        assert!(!machine.allows(Called(Synchronize)));
        assert_eq!(machine.apply(CallbackTaken), Ok(Next::Release));
    }
}

/// spec 175: a completion that comes before its call returns counts when it has returned.
#[test]
fn an_early_completion_waits_for_the_return() {
    let mut machine = at(Busy(Synchronize, Running));
    assert_eq!(
        machine.apply(Completed(Synchronize, Well)),
        Ok(Next::WaitForReturn(Synchronize))
    );
    assert_eq!(
        machine.apply(Returned(Synchronize, Well)),
        Ok(Next::ShowLog)
    );
}

/// spec 177: an item is skipped between the return and the completion of either call, and not else.
#[test]
fn there_are_two_windows_for_skipping() {
    let open: Vec<_> = states()
        .into_iter()
        .filter(|state| at(*state).allows(ItemSkipped))
        .collect();
    assert_eq!(open, [Busy(Prepare, Waiting), Busy(Synchronize, Waiting)]);
}

/// spec 179: an error that asks for another go leads back to the preparation.
#[test]
fn after_an_error_was_shown_there_may_be_another_go() {
    let mut machine = at(Done);
    machine.apply(Called(ShowError)).unwrap();
    machine.apply(Returned(ShowError, Well)).unwrap();
    assert_eq!(
        machine.apply(Completed(ShowError, Again)),
        Ok(Next::Prepare)
    );
    machine.apply(Called(Prepare)).unwrap();
    machine.apply(Returned(Prepare, Well)).unwrap();
    assert_eq!(
        machine.apply(Completed(Prepare, Well)),
        Ok(Next::Synchronize)
    );
}

/// spec 182: properties open beside everything else, one at a time, and close with a completion if
/// the call succeeded.
#[test]
fn properties_are_open_beside_everything_else() {
    for state in states() {
        let is_alive = !matches!(state, Created | Released);
        let mut machine = at(state);
        assert_eq!(
            machine.apply(Called(ShowProperties)).is_ok(),
            is_alive,
            "{state:?}"
        );
        if !is_alive {
            continue;
        }
        assert!(
            machine.apply(Called(ShowProperties)).is_err(),
            "one at a time"
        );
        assert!(
            !machine.allows(CallbackTaken),
            "{state:?}: somebody is looking"
        );
        machine.apply(Returned(ShowProperties, Well)).unwrap();
        assert!(machine.has_properties_open());
        machine.apply(Completed(ShowProperties, Well)).unwrap();
        assert_eq!(machine, at(state));
    }
}

/// spec 175, 182: so it is when the completion comes first, or the call fails.
#[test]
fn properties_close_in_every_order() {
    for end in [
        vec![
            Completed(ShowProperties, Well),
            Returned(ShowProperties, Well),
        ],
        vec![
            Completed(ShowProperties, Badly),
            Returned(ShowProperties, Well),
        ],
        vec![Returned(ShowProperties, Badly)],
        vec![
            Returned(ShowProperties, Well),
            Completed(ShowProperties, Badly),
        ],
    ] {
        let mut machine = at(Ready);
        machine.apply(Called(ShowProperties)).unwrap();
        for input in end {
            machine.apply(input).unwrap();
        }
        assert_eq!(machine, at(Ready));
        assert!(!machine.allows(Completed(ShowProperties, Well)));
    }
}

#[test]
fn a_breach_says_what_and_where() {
    let breach = Machine::new().apply(Progressed).unwrap_err();
    assert_eq!(breach.to_string(), "Progressed is out of order in Created");
}
