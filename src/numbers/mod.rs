//! Numbers in running Arabic and English text: digits of three scripts, number words, ordinals, decades and months.
//!
//! The checks compare the numbers of a source with those of its target, and briefs compare a point's numbers with
//! those of the sentences it cites; both need the same answer to "is `1.5 مليون` the same as `1,500,000`?". A
//! mention is ambiguous as often as not (`1.500`, `5–10 million`, a time), so it carries all its readings and is
//! answered when one of them is found on the other side.

mod around;
mod grammar;
mod lexicon;
mod place;
mod tokens;
pub mod weekday;

use std::collections::HashSet;
use std::fmt;
use std::ops::Range;

use crate::lang::digit_value;

pub use place::in_place;

/// An exact decimal number with six places; integers up to 30 digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Number(i128);

const UNIT: i128 = 1_000_000;
const ONE: Number = Number(UNIT);

impl Number {
    /// A whole number.
    pub fn whole(value: i64) -> Self {
        Number(i128::from(value) * UNIT)
    }

    fn hundredths(value: i64) -> Self {
        Number(i128::from(value) * (UNIT / 100))
    }

    fn power_of_ten(exponent: u8) -> Self {
        Number(UNIT * 10i128.pow(u32::from(exponent)))
    }

    /// From ASCII digits before and after the decimal mark; digits past the range are ignored.
    fn from_digits(whole: &str, fraction: &str) -> Self {
        let digits = |text: &str, most: usize| {
            text.bytes().take(most).fold(0i128, |n, d| n * 10 + i128::from(d - b'0'))
        };
        let places = fraction.len().min(6) as u32;
        Number(digits(whole, 30) * UNIT + digits(fraction, 6) * 10i128.pow(6 - places))
    }

    fn times(self, factor: Number) -> Self {
        Number(self.0.checked_mul(factor.0).map_or(i128::MAX, |product| product / UNIT))
    }

    fn plus(self, other: Number) -> Self {
        Number(self.0.saturating_add(other.0))
    }

    fn is_whole(self) -> bool {
        self.0 % UNIT == 0
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, fraction) = (self.0 / UNIT, self.0 % UNIT);
        if fraction == 0 {
            return write!(f, "{whole}");
        }
        write!(f, "{whole}.{}", format!("{fraction:06}").trim_end_matches('0'))
    }
}

/// How a number is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// With digits, a power of ten in words included (`1.5 million`).
    Digits,
    /// In words.
    Words,
    /// `third`, `الثالث`; `3rd` is [`Form::Digits`].
    Ordinal,
    /// `the sixties`, `الستينيات`; `1960s` is [`Form::Digits`].
    Decade,
    /// The name of a month.
    Month,
    /// A word that may stand for a number but is not one: `half`, `twice`, a dual noun, `several thousand`.
    Loose,
}

/// One number in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mention {
    /// Byte range in the text.
    pub span: Range<usize>,
    /// Values it may have; the likeliest first.
    pub readings: Vec<Number>,
    /// Values that together may stand for it: the parts of a sum, a date or a list.
    pub parts: Vec<Number>,
    /// How it is written.
    pub form: Form,
    /// Whether it is a share of a hundred: `25 %`, `25 في المئة`. The sign or words are not in the span.
    pub percent: bool,
    /// Whether it is a month or stands in a date of digits (`12/5/2016`), where a number may be a month.
    pub date: bool,
}

impl Mention {
    /// For a month its English name, for a decade `60s`, otherwise the likeliest value; none for a list of parts.
    pub fn meaning(&self) -> Option<String> {
        match (self.form, self.readings.first()) {
            (Form::Month, Some(month)) => Some(lexicon::month_name((month.0 / UNIT) as u8).to_owned()),
            (Form::Decade, Some(tens)) => Some(format!("{tens}s")),
            (_, first) => first.map(Number::to_string),
        }
    }

    /// Whether a faithful translation must keep it as a number. Small numbers in words come and go with style
    /// (`the second` … `the other`, a dual noun for `two`), and a lone 1 becomes `a`.
    pub fn is_firm(&self) -> bool {
        match self.form {
            Form::Digits => {
                self.at_least(2) || self.readings.iter().all(|&n| n != Number::whole(0) && n != ONE)
            }
            Form::Words | Form::Ordinal => self.at_least(3),
            Form::Decade | Form::Month => true,
            Form::Loose => false,
        }
    }

    /// Whether it is four digits that read as a year, 1000 to 2100.
    pub fn looks_like_year(&self, text: &str) -> bool {
        self.form == Form::Digits
            && text[self.span.clone()].chars().filter(|&c| digit_value(c).is_some()).count() == 4
            && text[self.span.clone()].chars().count() <= 5
            && self
                .readings
                .first()
                .is_some_and(|&n| (Number::whole(1000)..=Number::whole(2100)).contains(&n))
    }

    /// Whether the likeliest value is at least `value`.
    pub fn at_least(&self, value: i64) -> bool {
        self.readings.first().is_none_or(|&n| n >= Number::whole(value))
    }
}

/// The values that a text's mentions offer, to look others up in.
#[derive(Debug, Clone, Default)]
pub struct Offered {
    values: HashSet<Number>,
    /// Months, and numbers of dates in digits.
    dates: HashSet<Number>,
    /// There is an `a`, `each` or `مرة`, which may stand for a 1.
    article: bool,
}

impl Offered {
    /// All values of `mentions`.
    pub fn by(mentions: &[Mention]) -> Self {
        let mut offered = Offered::default();
        offered.extend(mentions);
        offered
    }

    /// Adds the values of more mentions.
    pub fn extend(&mut self, mentions: &[Mention]) {
        for mention in mentions {
            let values = mention.readings.iter().chain(&mention.parts).copied();
            if mention.date {
                self.dates.extend(values.clone());
            }
            match mention.form {
                Form::Month => {}
                Form::Loose if mention.date => {}
                Form::Loose if mention.readings == [ONE] => self.article = true,
                _ => self.values.extend(values),
            }
        }
    }

    /// Whether one of the mention's readings, or all its parts, are among the values.
    pub fn answers(&self, wanted: &Mention) -> bool {
        let has = |n: &Number| match wanted.form {
            Form::Month => self.dates.contains(n),
            _ => {
                self.values.contains(n)
                    || (wanted.date && self.dates.contains(n))
                    || (*n == ONE && self.article && !wanted.percent)
            }
        };
        wanted.readings.iter().any(has) || (!wanted.parts.is_empty() && wanted.parts.iter().all(has))
    }
}

/// All numbers of an Arabic, English or mixed text, in order, not overlapping.
pub fn mentions(text: &str) -> Vec<Mention> {
    grammar::parse(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Readings of each firm mention, as text.
    fn read(text: &str) -> Vec<String> {
        let firm = mentions(text).into_iter().filter(|m| m.form != Form::Loose);
        firm.map(|m| {
            m.meaning().unwrap_or_else(|| m.parts.iter().map(Number::to_string).collect::<Vec<_>>().join("+"))
        })
        .collect()
    }

    #[test]
    fn what_has_no_value_is_found_by_its_parts() {
        let found = mentions("4.5.5 million");
        let offered = Offered::by(&found);
        assert!(found.iter().all(|mention| offered.answers(mention)), "{found:?}");
    }

    #[test]
    fn digits_of_three_scripts_and_their_marks() {
        for (text, values) in [
            ("٢٥ شخصاً", vec!["25"]),
            ("۱۴۰۲", vec!["1402"]),
            ("12,500 and 1,234,567.5", vec!["12500", "1234567.5"]),
            ("١٢٬٥٠٠ و ٣٫٥", vec!["12500", "3.5"]),
            ("15 300 دينار", vec!["15300"]),
            ("1 500 000", vec!["1500000"]),
            ("لكل 000 100 نسمة", vec!["100000"]),
            ("25%", vec!["25"]),
            ("0.75", vec!["0.75"]),
            ("6½", vec!["6.5"]),
            ("من 12 إلى 15", vec!["12", "15"]),
            ("2015-2016", vec!["2015", "2016"]),
            ("12.05.2016", vec!["12+5+2016"]),
            ("كوفيد-19", vec!["19"]),
        ] {
            assert_eq!(read(text), values, "{text}");
        }
    }

    #[test]
    fn arabic_number_words() {
        for (text, values) in [
            ("ثلاثة أشخاص", vec!["3"]),
            ("خمسة وعشرون طفلاً", vec!["25"]),
            ("خمسا وثلاثين سنة", vec!["35"]),
            ("ثمانياً وأربعين ساعة", vec!["48"]),
            ("مئة وواحدا وعشرين", vec!["121"]),
            ("ستا وستين ألفا", vec!["66000"]),
            ("أربعا و عشرين ساعة", vec!["24"]),
            ("خمسة و عشرين", vec!["25"]),
            ("أولا وثامنا", vec!["8"]),
            ("يوم الأربعا وعشرين شخصا", vec!["20"]),
            ("كنيسة سبعا", vec![]),
            ("ثلاثة عشر", vec!["13"]),
            ("أحد عشر ألف شخص", vec!["11000"]),
            ("أحد عشر مليونا ونصف المليون", vec!["11500000"]),
            ("إحدى وعشرون ألف", vec!["21000"]),
            ("مئة وأحد عشر", vec!["111"]),
            ("عام ألفين وأحد عشر", vec!["2011"]),
            ("ألف واحد عشر", vec!["1011"]),
            ("اثني عشر", vec!["12"]),
            ("أحد عشر", vec!["11"]),
            ("ثلاثمائة وخمسة وأربعين", vec!["345"]),
            ("ثلاث مئة", vec!["300"]),
            ("مائتي ألف", vec!["200000"]),
            ("سارس كوف-2 مليون", vec!["2"]),
            ("أول عشر عينات", vec!["1", "10"]),
            ("ألفين وخمسمئة", vec!["2500"]),
            ("ألف وتسعمائة وخمسة وأربعين", vec!["1945"]),
            ("خمسة آلاف", vec!["5000"]),
            ("1.5 مليون", vec!["1500000"]),
            ("1.250 مليون", vec!["1250000"]),
            ("مليون و200 ألف", vec!["1200000"]),
            ("مليونين", vec!["2000000"]),
            ("مليوني دولار", vec!["2000000"]),
            ("مليونا دولار", vec!["2000000"]),
            ("وألفا شخص", vec!["2000"]),
            ("مليون وألفا شخص", vec!["1002000"]),
            ("خمسة وعشرون مليونا دولار", vec!["25000000"]),
            ("مليوناً دولار", vec![]),
            ("قناة ألفا تي في", vec![]),
            ("نصف مليون", vec!["500000"]),
            ("مليون ونصف المليون", vec!["1500000"]),
            ("مليونا ونصف المليون شخص", vec!["1500000"]),
            ("ثلاثة مليارات و نصف المليار دولار", vec!["3500000000"]),
            ("ملياري ونصف المليار دولار", vec!["2500000000"]),
            ("ألف وربع الألف", vec!["1250"]),
            ("مليون شخص ونصف مليون طفل", vec!["500000"]),
            ("ثلاثة مليارات ونصف مليون", vec!["3000000000", "500000"]),
            ("500 كم2 و300 م2 و20 م³", vec!["500", "300", "20"]),
            ("المادة م17", vec!["17"]),
            ("بالذكرى الخامسة والعشرين", vec!["25"]),
            ("القرن التاسع عشر", vec!["19"]),
            ("25 في المئة", vec!["25"]),
            ("خمسون بالمائة", vec!["50"]),
            ("آلاف السكان", vec![]),
        ] {
            assert_eq!(read(text), values, "{text}");
        }
    }

    #[test]
    fn english_number_words() {
        for (text, values) in [
            ("twenty-five children", vec!["25"]),
            ("three hundred and forty-five", vec!["345"]),
            ("two thousand and five", vec!["2005"]),
            ("2.5 million, $3bn", vec!["2500000", "3000000000"]),
            ("the twenty-first century", vec!["21"]),
            ("the 25th", vec!["25"]),
            ("half a million", vec!["500000"]),
            ("several thousand people", vec![]),
            ("fifty per cent", vec!["50"]),
            ("two hundred thousand", vec!["200000"]),
        ] {
            assert_eq!(read(text), values, "{text}");
        }
    }

    #[test]
    fn months_of_three_regions() {
        for (text, month) in [
            ("12 كانون الثاني 2020", "January"),
            ("في تشرين الأول", "October"),
            ("فيفري", "February"),
            ("14 مارس", "March"),
            ("يوم 3 آب", "August"),
            ("يوليوز", "July"),
            ("وحزيران", "June"),
            ("on 4 May", "May"),
            ("laid off in May", "May"),
            ("منذ نيسان", "April"),
            ("Sept. 2001", "September"),
        ] {
            assert!(read(text).contains(&month.to_owned()), "{text}: {:?}", read(text));
        }
        for text in ["He may go", "they march on", "كان يمارس", "مارس الضغط"] {
            assert!(read(text).is_empty(), "{text}");
        }
    }

    #[test]
    fn the_same_number_in_other_clothes_answers() {
        for (wanted, offered) in [
            ("ثلاثة", "3"),
            ("3", "three"),
            ("25", "twenty-five"),
            ("1.5 مليون", "1,500,000"),
            ("مليون ونصف", "1.5 million"),
            ("أربع سنوات ونصف", "4.5 years"),
            ("4.5", "four and a half"),
            ("من 5 إلى 10 ملايين", "5-10 million"),
            ("5,000,000", "between 5 and 10 million"),
            ("15:30", "3:30 p.m."),
            ("في الستينيات", "1960s"),
            ("2", "سنتين"),
            ("six of them", "ستا منهن"),
            ("ثلاثون عاما", "three decades"),
            ("three decades", "ثلاثون عاما"),
            ("Thirty years", "ثلاثة عقود"),
            ("3 عقود", "three decades"),
            ("ثلاثمئة سنة", "three centuries"),
            ("3 مليارات ونصف مليار", "3.5 billion"),
            ("ثلاثة مليارات ونصف المليار", "three billion and half a billion"),
            ("2.5 million", "مليونا ونصف المليون"),
            ("ألفا موظف", "a couple of thousand staff"),
            ("a couple of thousand", "عدة آلاف"),
            ("2 million", "مليونا من سكان المدينة"),
            ("1.2 million", "مليونا و200 ألف"),
            ("1.5 million", "مليونا ونصف"),
            ("مليونا و200 ألف", "2.2 million"),
            ("مليونا و200 ألف", "1.2 million"),
            ("Fourthly", "رابعا"),
            ("Eighthly", "ثامنا"),
            ("12/5/2016", "12 May 2016"),
            ("لويس 14", "Louis XIV"),
            ("3 آلاف و500", "3,500"),
            ("القرن العشرين", "20th century"),
            ("60s", "1960s"),
            ("الستينيات", "60s"),
            ("1.250 مليون", "1.25 million"),
            ("1,250 مليون", "1.25 million"),
            ("1,250 مليون", "1.25 billion"),
            ("1٫250 مليون", "1.250 million"),
        ] {
            let offer = Offered::by(&mentions(offered));
            let missing: Vec<_> =
                mentions(wanted).into_iter().filter(|m| m.form != Form::Loose && !offer.answers(m)).collect();
            assert!(missing.is_empty(), "{wanted} / {offered}: {missing:?}");
        }
    }

    #[test]
    fn other_numbers_do_not_answer() {
        for (wanted, offered) in [
            ("25", "52"),
            ("1.5 million", "1.5"),
            ("ثلاثة عشر", "3"),
            ("ثلاثون عاما", "three years"),
            ("مليارا دولار", "a billion dollars"),
            ("ألفا شخص", "1,000 people"),
            ("2,000", "ألفاً من السكان"),
            ("أيلول", "October"),
            ("2019", "2009"),
            ("12.5", "125"),
            ("9 أيلول", "September"),
            ("1%", "a per cent"),
            ("3%", "£3,000"),
            ("1٫250 مليون", "1,250 million"),
            ("1.25 مليون", "1,250 million"),
        ] {
            let offer = Offered::by(&mentions(offered));
            assert!(
                mentions(wanted).iter().any(|m| m.form != Form::Loose && !offer.answers(m)),
                "{wanted} / {offered}"
            );
        }
    }

    #[test]
    fn spans_stand_on_the_text_in_order() {
        let text = "قُتل ٢٥ شخصاً و1.5 مليون مهجر في 12 كانون الثاني، 3½ — 99999999999999999999999999999999999999999999";
        let mut end = 0;
        for mention in mentions(text) {
            assert!(mention.span.start >= end && !text[mention.span.clone()].is_empty());
            end = mention.span.end;
        }
        assert!(
            mentions("25 %")[0].percent
                && mentions("25 في المئة")[0].percent
                && !mentions("25 شخصا")[0].percent
        );
    }
}
