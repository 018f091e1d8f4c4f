//! Event types for the unit tests, as the derive would make them.

use serde::{Deserialize, Serialize};

use crate::event::{Delivery, EventOptions, Receivers, Subscribe};

/// A state of which only the present one matters.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Latest(pub(crate) u32);

impl Subscribe for Latest {
    const OPTIONS: EventOptions = EventOptions::new(Delivery::Latest, Receivers::All);
}

/// A state for each symbol.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Quote {
    pub(crate) symbol: String,
    pub(crate) price: u32,
}

impl Quote {
    pub(crate) fn new(symbol: &str, price: u32) -> Self {
        Self { symbol: symbol.into(), price }
    }
}

impl Subscribe for Quote {
    const OPTIONS: EventOptions = EventOptions::new(Delivery::Latest, Receivers::All);
    const KEYED: bool = true;

    fn item_key(&self) -> Option<String> {
        Some(self.symbol.clone())
    }
}

/// Each one matters, and three may wait.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Trade(pub(crate) u32);

impl Subscribe for Trade {
    const OPTIONS: EventOptions =
        EventOptions::new(Delivery::Every { capacity: 3 }, Receivers::All);
}
