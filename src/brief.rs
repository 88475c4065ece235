//! A brief as plain data: a headline, points that cite their units, and figures with their sentences.

use serde::{Deserialize, Serialize};

/// One line of a brief, with its receipts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Point {
    /// The English text.
    pub text: String,
    /// Indices of the units it comes from; never empty.
    pub units: Vec<usize>,
}

/// A number that the report mentions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Figure {
    /// The number as the translation writes it, with its unit or noun where that is plain (`25`, `1,500`, `30 %`).
    pub value: String,
    /// The English sentence it stands in.
    pub sentence: String,
    /// Index of that sentence's unit.
    pub unit: usize,
    /// Indices of others that have the same; the first few.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<usize>,
}

impl Figure {
    /// The units that have it: that of its sentence first.
    pub fn units(&self) -> Vec<usize> {
        std::iter::once(self.unit).chain(self.also.iter().copied()).collect()
    }
}

/// A short English account of one report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Brief {
    /// How it was made: `extractive`, or the name of the model that wrote it.
    pub method: String,
    /// One line.
    pub headline: Point,
    /// People that it names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub who: Vec<Point>,
    /// Places where something is.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub places: Vec<Point>,
    /// Dates.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dates: Vec<Point>,
    /// The main points, in the order of the report.
    pub points: Vec<Point>,
    /// Figures mentioned, in the order of the report.
    pub figures: Vec<Figure>,
    /// Indices of the units of high risk, so that a reader knows what to distrust.
    #[serde(default)]
    pub doubted: Vec<usize>,
    /// Sentences a model wrote that were dropped because the cited units do not bear them out.
    pub dropped: usize,
}

impl Brief {
    /// What it says of who, where and when: the kinds of which it has any, with their names.
    pub fn facts(&self) -> impl Iterator<Item = (&'static str, &[Point])> {
        let kinds = [("Who", &self.who), ("Where", &self.places), ("When", &self.dates)];
        kinds
            .into_iter()
            .map(|(name, points)| (name, points.as_slice()))
            .filter(|(_, points)| !points.is_empty())
    }
}
