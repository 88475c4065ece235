//! Numbers that a model did not translate, put into its source as English writes them: digits and Latin words are copied.

use crate::lang::{is_arabic_letter, words::is_mark};

use super::{Form, Mention, Number, Offered, around, lexicon, mentions, weekday};

/// From here on numbers are told in millions, which models copy more surely than many digits.
const MILLION: Number = Number(1_000_000 * super::UNIT);
const BILLION: Number = Number(1_000_000_000 * super::UNIT);

/// The source with those numbers, months and days of the week of it in English that a faithful `target` must have and has not; none where
/// that changes nothing. What is written onto a number (و, ب, ل) stays before it.
pub fn in_place(source: &str, target: &str) -> Option<String> {
    let offered = Offered::by(&mentions(target));
    let missing = mentions(source)
        .into_iter()
        .filter(|m| m.is_firm() && !offered.answers(m) && !may_be_name(source, m));
    let mut text = String::new();
    let mut from = 0;
    for mention in missing {
        let written = &source[mention.span.clone()];
        let Some(english) = english(written, &mention).filter(|english| english != written) else { continue };
        text.push_str(&source[from..mention.span.start]);
        let particles = lexicon::particles(written);
        text.push_str(particles);
        if mention.form == Form::Month && !particles.is_empty() {
            text.push(' ');
        }
        text.push_str(&english);
        from = mention.span.end;
    }
    let numbered = (from > 0).then(|| text + &source[from..]);
    weekday::in_place(numbered.as_deref().unwrap_or(source), target).or(numbered)
}

/// Whether it is one word that may be a name, or part of one: `أحمد سبع`, `الشيخ ثامن`, `حي الستين`. A model would keep the digit
/// that it is given in place of the name. No name is an attribute (`القرن الخامس`), or a number before what it counts.
fn may_be_name(source: &str, mention: &Mention) -> bool {
    let written = &source[mention.span.clone()];
    let is_word =
        matches!(mention.form, Form::Words | Form::Ordinal) && !written.contains(char::is_whitespace);
    if !is_word || mention.percent {
        return false;
    }
    let after = source[mention.span.end..].strip_prefix(' ').unwrap_or("");
    if lexicon::is_masculine_cardinal(written) || (mention.form == Form::Ordinal && around::is_of_time(after))
    {
        return false;
    }
    let is_part = |c: char| is_arabic_letter(c) || is_mark(c);
    if lexicon::has_article(&written[lexicon::particles(written).len()..]) {
        let before = source[..mention.span.start].strip_suffix(' ').unwrap_or("");
        return !around::is_definite(before.rsplit(|c| !is_part(c)).next().unwrap_or(""));
    }
    let next = after.split(|c| !is_part(c)).next().unwrap_or("");
    mention.form == Form::Ordinal || !around::may_be_counted(next)
}

/// `25`, `12500`, `1.5 million`, `January`, `60s`; none where it has no one value. Digits that can be read in two ways
/// (`3.750`) stay as they are, and so do words (`مليونا`, one or two of them): the checks would accept either of the model.
fn english(written: &str, mention: &Mention) -> Option<String> {
    let value = *mention.readings.first()?;
    match mention.form {
        Form::Month | Form::Decade => return mention.meaning(),
        Form::Digits if mention.readings.len() > 1 => return None,
        Form::Words if mention.readings.len() > 1 && written.split(' ').any(lexicon::may_be_dual) => {
            return None;
        }
        _ => {}
    }
    let in_units = [(BILLION, "billion"), (MILLION, "million")].into_iter().find_map(|(unit, name)| {
        let share = Number(value.0 / (unit.0 / super::UNIT));
        let is_short = value >= unit && share.times(unit) == value && share.0 % (super::UNIT / 100) == 0;
        is_short.then(|| format!("{share} {name}"))
    });
    Some(in_units.unwrap_or_else(|| value.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_stands_in_english() {
        for (source, target, expected) in [
            ("قتل خمسة وعشرون شخصا", "People were killed", "قتل 25 شخصا"),
            ("وخمسة وعشرون طفلا", "and children", "و25 طفلا"),
            ("ثمانيا وأربعين ساعة", "for 40 hours", "48 ساعة"),
            ("لثلاثة أشخاص وعشرة أطفال", "for ten children", "ل3 أشخاص وعشرة أطفال"),
            ("منذ كانون الثاني 2016", "since 2016", "منذ January 2016"),
            ("في أيلول وكانون الأول 2012", "In September 2012", "في أيلول و December 2012"),
            ("بكانون الثاني", "in the month", "ب January"),
            ("ونصف مليون دولار", "and dollars", "و500000 دولار"),
            ("مئتي شخص", "people", "200 شخص"),
            ("قيمته مليونا دولار", "worth dollars", "قيمته 2 million دولار"),
            ("12 ألفا و500 شخص", "people", "12500 شخص"),
            ("ألفين نازح", "displaced people", "2000 نازح"),
            ("في اليوم الثالث", "on the day", "في اليوم 3"),
            ("سجلت خمس وفيات أمس", "deaths were recorded", "سجلت 5 وفيات أمس"),
            ("اجتمع ثلاثة وزراء", "ministers met", "اجتمع 3 وزراء"),
            ("ثلاث آليات عسكرية", "military vehicles", "3 آليات عسكرية"),
            ("قتل سبعة وأصيب عشرة آخرون", "they were killed and hurt", "قتل 7 وأصيب 10 آخرون"),
            ("في الخامس من أيار", "on the day of May", "في 5 من أيار"),
            ("في الثامنة صباحا", "in the morning", "في 8 صباحا"),
            ("وأحد عشر شخصا", "people", "و11 شخصا"),
            ("خلال الأشهر الستة الماضية", "in recent months", "خلال الأشهر 6 الماضية"),
            ("القرن الحادي والعشرين", "the century", "القرن 21"),
            ("1.25 مليون لاجئ", "125 refugees", "1.25 million لاجئ"),
            ("ثلاثة مليارات دولار", "3 million dollars", "3 billion دولار"),
            ("اثني عشر ألفا وخمسمئة", "many", "12500"),
            ("ثلاثة مليارات ونصف المليار دولار", "dollars", "3.5 billion دولار"),
            ("قبل ثلاثة عقود", "years ago", "قبل 3 عقود"),
            ("عام ألف وتسعمائة وخمسة وأربعين", "In the year", "عام 1945"),
            ("خمسون بالمئة منهم", "Some of them", "50 بالمئة منهم"),
            ("القرن التاسع عشر", "the century", "القرن 19"),
            ("خلال الستينيات", "during that time", "خلال 60s"),
            ("1٫250 مليون شخص", "many people", "1.25 million شخص"),
            ("فجر اليوم الأربعاء 3 آب", "on Thursday", "فجر اليوم Wednesday 3 August"),
        ] {
            assert_eq!(in_place(source, target).as_deref(), Some(expected), "{source}");
        }
    }

    #[test]
    fn what_is_there_or_cannot_be_told_otherwise_stays() {
        for (source, target) in [
            ("قتل خمسة وعشرون شخصا", "25 people were killed"),
            ("قتل 25 شخصا", "People were killed"),
            ("اليوم الثاني", "the day"),
            ("بلغ العدد مليونا و200 ألف", "The number was reached"),
            ("اعتصام رابعة العدوية", "the Rabaa al-Adawiya sit-in"),
            ("هرب إلى الستين", "he fled to Sitteen"),
            ("لويس الخامس", "Louis"),
            ("فض رابعة", "the dispersal of Rabaa"),
            ("سجن بئر السبع", "Beersheba prison"),
            ("حشد مليوني في الشوارع", "a crowd of a million"),
            ("أحمد سبع وأخوه", "Ahmad Sabaa and his brother"),
            ("الشاب أحمد سبع من جنين", "Ahmad Sabaa of Jenin"),
            ("قال الشيخ ثامن إن", "Sheikh Thamen said"),
            ("شارع السبعين بالمدينة", "Sabain Street in the city"),
            ("قُتل أحمد سبع.", "Ahmad Sabaa was killed."),
            ("12.5.2016", "a day"),
            ("1.250 مليون شخص", "people"),
            ("3.750 دينار", "dinars"),
            ("وصل الناس", "People arrived in 2019"),
        ] {
            assert_eq!(in_place(source, target), None, "{source}");
        }
    }
}
