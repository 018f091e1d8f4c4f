//! JavaScript's `Date`.

use std::fmt;
use std::str::FromStr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use thiserror::Error;

use super::marks::DATE;

const MAX_MILLIS: i64 = 8_640_000_000_000_000;
const DAY_MILLIS: i64 = 86_400_000;

/// A point in time as JavaScript's `Date` holds it: milliseconds since 1970-01-01T00:00:00Z, leap seconds not
/// counted, 100,000,000 days each way. There is no `Invalid Date`.
///
/// Displayed, parsed and put into JSON as `toISOString` writes it; a `Date` in serialize-json, an `i64` in bincode.
///
/// ```
/// use cluster_protocol::Date;
///
/// let date: Date = "2017-02-16T00:00:00.000Z".parse()?;
/// assert_eq!(date.as_millis(), 1_487_203_200_000);
/// assert_eq!(date.to_string(), "2017-02-16T00:00:00.000Z");
/// assert_eq!(Date::try_from(std::time::UNIX_EPOCH)?, Date::from_millis(0)?);
/// assert!(Date::from_millis(i64::MAX).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date(i64);

/// Why something is no [`Date`].
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum DateError {
    /// More than 100,000,000 days before or after 1970, or more than the `SystemTime` of this platform holds.
    #[error("a date {millis} ms from 1970 is out of range")]
    OutOfRange {
        /// How many milliseconds after 1970-01-01T00:00:00Z.
        millis: i128,
    },
    /// Not a text as `toISOString` writes it.
    #[error("{text:?} is no date as JavaScript's toISOString writes it")]
    Text {
        /// The text.
        text: String,
    },
}

impl Date {
    /// The date that many milliseconds after 1970-01-01T00:00:00Z, or before, if negative.
    ///
    /// # Errors
    ///
    /// [`DateError::OutOfRange`] beyond ±8.64e15.
    pub fn from_millis(millis: i64) -> Result<Self, DateError> {
        if millis.unsigned_abs() > MAX_MILLIS.unsigned_abs() {
            return Err(DateError::OutOfRange { millis: millis.into() });
        }
        Ok(Self(millis))
    }

    /// Milliseconds since 1970-01-01T00:00:00Z.
    pub fn as_millis(self) -> i64 {
        self.0
    }
}

impl TryFrom<SystemTime> for Date {
    type Error = DateError;

    /// Cuts off what is less than a millisecond, towards the past.
    fn try_from(time: SystemTime) -> Result<Self, DateError> {
        let millis = match time.duration_since(UNIX_EPOCH) {
            Ok(after) => after.as_millis() as i128,
            Err(before) => -(before.duration().as_nanos().div_ceil(1_000_000) as i128),
        };
        i64::try_from(millis).map_or(Err(DateError::OutOfRange { millis }), Self::from_millis)
    }
}

impl TryFrom<Date> for SystemTime {
    type Error = DateError;

    fn try_from(date: Date) -> Result<Self, DateError> {
        let distance = Duration::from_millis(date.0.unsigned_abs());
        let time = match date.0 {
            0.. => UNIX_EPOCH.checked_add(distance),
            _ => UNIX_EPOCH.checked_sub(distance),
        };
        time.ok_or(DateError::OutOfRange { millis: date.0.into() })
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = civil(self.0.div_euclid(DAY_MILLIS));
        let millis = self.0.rem_euclid(DAY_MILLIS);
        match year {
            0..=9999 => write!(f, "{year:04}")?,
            _ => write!(f, "{year:+07}")?,
        }
        let (hour, minute, second) = (millis / 3_600_000, millis / 60_000 % 60, millis / 1000 % 60);
        let millis = millis % 1000;
        write!(f, "-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millis:03}Z")
    }
}

impl FromStr for Date {
    type Err = DateError;

    fn from_str(text: &str) -> Result<Self, DateError> {
        // What is no such text, a 30th of February for one, does not come out as it went in.
        let date = millis(text).and_then(|millis| Self::from_millis(millis).ok());
        date.filter(|date| date.to_string() == text)
            .ok_or_else(|| DateError::Text { text: text.to_owned() })
    }
}

impl Serialize for Date {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_newtype_struct(DATE, &Content(*self))
    }
}

/// What a format writes that does not know the mark. Our serializer asks for the number.
struct Content(Date);

impl Serialize for Content {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.collect_str(&self.0)
        } else {
            serializer.serialize_i64(self.0.0)
        }
    }
}

impl<'de> Deserialize<'de> for Date {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_newtype_struct(DATE, Visitor)
    }
}

struct Visitor;

impl<'de> de::Visitor<'de> for Visitor {
    type Value = Date;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a date")
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, content: D) -> Result<Date, D::Error> {
        if content.is_human_readable() {
            return content.deserialize_any(Self);
        }
        let millis = i64::deserialize(content)?;
        Date::from_millis(millis).map_err(de::Error::custom)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Date, E> {
        text.parse().map_err(E::custom)
    }

    /// The date of our deserializer.
    fn visit_map<A: de::MapAccess<'de>>(self, mut map: A) -> Result<Date, A::Error> {
        match map.next_entry::<String, i64>()? {
            Some((key, millis)) if key == DATE => {
                Date::from_millis(millis).map_err(de::Error::custom)
            }
            _ => Err(de::Error::invalid_type(de::Unexpected::Map, &self)),
        }
    }
}

/// Year, month and day of the day that many days after 1970-01-01, counted in eras of 400 years from March.
fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let (era, day) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let january_on = i64::from(month >= 10);
    (era * 400 + year + january_on, month + 3 - 12 * january_on, day)
}

/// The other way round. Months and days need not exist.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let january_on = i64::from(month <= 2);
    let (year, month) = (year - january_on, month - 3 + 12 * january_on);
    let (era, year) = (year.div_euclid(400), year.rem_euclid(400));
    era * 146_097 + 365 * year + year / 4 - year / 100 + (153 * month + 2) / 5 + day - 1 - 719_468
}

/// Reads the numbers where `toISOString` puts them.
fn millis(text: &str) -> Option<i64> {
    let (date, time) = text.split_once('T')?;
    let mut date = date.rsplitn(3, '-').map(|part| part.parse::<i32>().ok().map(i64::from));
    let (day, month, year) = (date.next()??, date.next()??, date.next()??);
    let mut time = time.strip_suffix('Z')?.split([':', '.']).map(|part| part.parse::<u16>().ok());
    let mut next = || time.next()?.map(i64::from);
    let minutes = next()? * 60 + next()?;
    let millis = (minutes * 60 + next()?) * 1000 + next()?;
    days(year, month, day).checked_mul(DAY_MILLIS)?.checked_add(millis)
}
