//! What an event is: its coordinate, id, payload and options; how it is proposed and how it is read.

mod batch;
mod coordinate;
mod id;
mod new;
mod options;
mod payload;
mod receipt;
mod stored;
mod view;

pub use batch::{Batch, BatchIter};
pub(crate) use batch::{EventSpan, Span};
pub use coordinate::{Coordinate, CoordinateError};
pub(crate) use id::StoreTag;
pub use id::{EventId, EventIdError};
pub use new::NewEvent;
pub use options::{AppendOptions, Condition, Durability, Expected};
pub use payload::{Payload, PayloadError, decode_payload};
pub use receipt::Receipt;
pub use stored::StoredEvent;
pub use view::{Causes, EventRef};
