//! An incarnation without its type: the one place where an actor's own error becomes a reason.

use crate::{Actor, Context, ExitReason, Failure, Flow};
use std::sync::Arc;

/// One incarnation of an actor whose messages are `M`.
pub(crate) trait Life<M: Send + 'static>: Send {
    fn started(&mut self, context: &mut Context<'_, M>) -> Result<(), ExitReason>;
    fn handle(&mut self, message: M, context: &mut Context<'_, M>) -> Result<Flow, ExitReason>;
    fn woken(&mut self, context: &mut Context<'_, M>) -> Result<Flow, ExitReason>;
    fn turn_ended(&mut self, context: &mut Context<'_, M>) -> Result<Flow, ExitReason>;
    fn stopping(&mut self, context: &mut Context<'_, M>, reason: &ExitReason);
}

/// Makes incarnations.
pub(super) type Factory<M> = Box<dyn FnMut() -> Result<Box<dyn Life<M>>, ExitReason> + Send>;

pub(super) fn factory<A: Actor>(
    mut make: impl FnMut() -> Result<A, A::Error> + Send + 'static,
) -> Factory<A::Message> {
    Box::new(move || {
        crate::failpoints::point("slot.factory.before");
        match make() {
            Ok(actor) => Ok(Box::new(actor)),
            Err(error) => Err(failed(error)),
        }
    })
}

fn failed<E: Failure>(error: E) -> ExitReason {
    ExitReason::Failed { remedy: error.remedy(), error: Arc::new(error) }
}

impl<A: Actor> Life<A::Message> for A {
    fn started(&mut self, context: &mut Context<'_, A::Message>) -> Result<(), ExitReason> {
        crate::failpoints::point("slot.started");
        Actor::started(self, context).map_err(failed)
    }

    fn handle(
        &mut self,
        message: A::Message,
        context: &mut Context<'_, A::Message>,
    ) -> Result<Flow, ExitReason> {
        Actor::handle(self, message, context).map_err(failed)
    }

    fn woken(&mut self, context: &mut Context<'_, A::Message>) -> Result<Flow, ExitReason> {
        Actor::woken(self, context).map_err(failed)
    }

    fn turn_ended(&mut self, context: &mut Context<'_, A::Message>) -> Result<Flow, ExitReason> {
        crate::failpoints::point("slot.turn_ended");
        Actor::turn_ended(self, context).map_err(failed)
    }

    fn stopping(&mut self, context: &mut Context<'_, A::Message>, reason: &ExitReason) {
        crate::failpoints::point("slot.stopping");
        Actor::stopping(self, context, reason);
    }
}
