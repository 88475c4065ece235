//! Tokens to mentions: how words and literals of Arabic and English join to one number.

use super::lexicon::{self, Word};
use super::tokens::{Kind, Token, tokenize, values};
use super::{Form, Mention, Number, ONE, UNIT, around};

/// See [`super::mentions`].
pub(super) fn parse(text: &str) -> Vec<Mention> {
    let parser = Parser { text, tokens: tokenize(text) };
    let mut found = Vec::new();
    let mut at = 0;
    while at < parser.tokens.len() {
        match parser.mention(at) {
            Some((mention, next)) => {
                found.push(mention);
                at = next;
            }
            None => at += 1,
        }
    }
    share_scale_over_ranges(text, &mut found);
    found.into_iter().map(|f| f.mention).collect()
}

/// A mention with the power of ten it was multiplied by.
struct Found {
    mention: Mention,
    scale: Number,
}

/// In `5–10 million` and `5 to 10 million` the five may be five millions.
fn share_scale_over_ranges(text: &str, found: &mut [Found]) {
    for at in 1..found.len() {
        let (before, after) = found.split_at_mut(at);
        let (Some(first), Some(second)) = (before.last_mut(), after.first()) else { continue };
        if first.scale != ONE || second.scale == ONE {
            continue;
        }
        let between = lexicon::fold_arabic(text[first.mention.span.end..second.mention.span.start].trim());
        if matches!(between.as_str(), "" | "-" | "–" | "—" | "to" | "and" | "or" | "الي" | "او" | "و")
        {
            let scaled: Vec<Number> = first.mention.readings.iter().map(|n| n.times(second.scale)).collect();
            first.mention.readings.extend(scaled);
        }
    }
}

struct Parser<'t> {
    text: &'t str,
    tokens: Vec<Token<'t>>,
}

/// A number below a thousand or a literal, with the power of ten after it.
struct Group {
    readings: Vec<Number>,
    parts: Vec<Number>,
    next: usize,
    scale: Number,
    form: Form,
}

impl Parser<'_> {
    fn mention(&self, at: usize) -> Option<(Found, usize)> {
        self.month(at)
            .or_else(|| self.half_scale(at))
            .or_else(|| self.compound(at))
            .or_else(|| self.loose(at))
    }

    fn found(
        &self,
        from: usize,
        next: usize,
        form: Form,
        readings: Vec<Number>,
        parts: Vec<Number>,
    ) -> (Found, usize) {
        let span = self.tokens[from].span.start..self.tokens[next - 1].span.end;
        let percent = self.percent_follows(next);
        let date = form == Form::Month || self.stands_in_date(from, next);
        (Found { mention: Mention { span, readings, parts, form, percent, date }, scale: ONE }, next)
    }

    /// Whether a literal is joined to another by `/` or `-`, or is itself three numbers with dots.
    fn stands_in_date(&self, from: usize, next: usize) -> bool {
        let joined = |left: usize| {
            self.is_literal(left)
                && self.is_literal(left + 1)
                && matches!(
                    &self.text[self.tokens[left].span.end..self.tokens[left + 1].span.start],
                    "/" | "-"
                )
        };
        matches!(&self.tokens[from].kind, Kind::Literal { marks, .. } if marks.len() == 2 || joined(next - 1))
            || (from > 0 && joined(from - 1))
    }

    fn percent_follows(&self, next: usize) -> bool {
        let end = self.tokens[next - 1].span.end;
        let rest = self.text[end..].trim_start();
        if rest.starts_with(['%', '٪']) {
            return true;
        }
        let folded = |i: usize| self.tokens.get(i).map_or("", Token::folded);
        match folded(next) {
            "percent" => true,
            "per" => folded(next + 1) == "cent",
            word if word.starts_with('ب') => lexicon::is_definite_hundred(word),
            "في" => lexicon::is_definite_hundred(folded(next + 1)),
            _ => false,
        }
    }

    fn meaning(&self, at: usize) -> Option<Word> {
        self.tokens.get(at).and_then(Token::meaning)
    }

    fn has_and(&self, at: usize) -> bool {
        matches!(self.tokens.get(at), Some(Token { kind: Kind::Word { and: true, .. }, .. }))
    }

    fn is_arabic(&self, at: usize) -> bool {
        matches!(self.tokens.get(at), Some(Token { kind: Kind::Word { arabic: true, .. }, .. }))
    }

    fn is_literal(&self, at: usize) -> bool {
        matches!(self.tokens.get(at), Some(Token { kind: Kind::Literal { .. }, .. }))
    }

    /// Whether nothing but white space (or an English hyphen) stands between a token and the one before.
    fn touches_previous(&self, at: usize) -> bool {
        let (Some(before), Some(token)) =
            (at.checked_sub(1).and_then(|b| self.tokens.get(b)), self.tokens.get(at))
        else {
            return false;
        };
        let gap = &self.text[before.span.end..token.span.start];
        gap.chars().all(|c| {
            c.is_whitespace()
                || c == '+'
                || (matches!(c, '-' | '\u{2010}' | '\u{2011}') && !self.is_arabic(at))
        })
    }

    /// The token after a joining و or `and` at `at`: itself for وعشرين, the next for a lone word.
    fn joined(&self, at: usize) -> Option<usize> {
        if !self.has_and(at) || !self.touches_previous(at) {
            return None;
        }
        if self.meaning(at).is_some() {
            return Some(at);
        }
        self.touches_previous(at + 1).then_some(at + 1)
    }

    fn month(&self, at: usize) -> Option<(Found, usize)> {
        if let (Some(first), Some(second)) = (self.tokens.get(at), self.tokens.get(at + 1))
            && let Some(month) = lexicon::arabic_two_word_month(first.folded(), second.folded())
        {
            return Some(self.found(at, at + 2, Form::Month, vec![Number::whole(month.into())], Vec::new()));
        }
        let Some(Word::Month(month, sure)) = self.meaning(at) else { return None };
        let capital = !matches!(&self.tokens[at].kind, Kind::Word { raw, arabic: false, .. } if !raw.starts_with(char::is_uppercase));
        let beside_digits = self.is_literal(at + 1) && self.touches_previous(at + 1)
            || at > 0 && self.is_literal(at - 1) && self.touches_previous(at);
        let before = at.checked_sub(1).map_or("", |b| self.tokens[b].folded());
        let told_as_time = matches!(
            before,
            "in" | "since" | "until" | "early" | "late" | "mid" | "last" | "next" | "شهر" | "في" | "منذ"
        ) && self.touches_previous(at);
        let form = if capital && (sure || beside_digits || told_as_time) { Form::Month } else { Form::Loose };
        let (mut found, next) = self.found(at, at + 1, form, vec![Number::whole(month.into())], Vec::new());
        found.mention.date = true;
        Some((found, next))
    }

    /// `half a million`, `ربع مليون`.
    fn half_scale(&self, at: usize) -> Option<(Found, usize)> {
        let Some(Word::Loose(values)) = self.meaning(at) else { return None };
        let share = Number::hundredths(*values.first()?);
        // "a couple of thousand" may be two and may be several.
        let form = match share.is_whole() {
            false => Form::Words,
            true if self.tokens[at].folded() == "couple" => Form::Loose,
            true => return None,
        };
        let skipped = (at + 1..at + 3)
            .take_while(|&i| matches!(self.tokens.get(i).map(Token::folded), Some("a" | "of")));
        let scale_at = at + 1 + skipped.count();
        let Some(Word::Scale(exponent)) = self.meaning(scale_at) else { return None };
        let value = share.times(Number::power_of_ten(exponent));
        let (mut found, next) = self.found(at, scale_at + 1, form, vec![value], Vec::new());
        found.scale = Number::power_of_ten(exponent);
        Some((found, next))
    }

    /// A sum of groups: `مليون و200 ألف`, `two thousand and five`.
    fn compound(&self, at: usize) -> Option<(Found, usize)> {
        let first = self.group(at)?;
        let Group { mut readings, mut parts, mut next, mut form, scale } = first;
        let mut smallest = scale;
        while smallest > ONE
            && let Some(joined) = self.joined(next).or_else(|| self.english_sum(next))
            && let Some(group) = self.group(joined)
            && group.readings.first().is_some_and(|&n| n < smallest)
        {
            if parts.is_empty() {
                parts.clone_from(&readings);
            }
            parts.extend(group.readings.first());
            readings = readings.iter().map(|n| n.plus(group.readings[0])).collect();
            form = match (form, group.form) {
                (_, Form::Ordinal) => Form::Ordinal,
                (Form::Loose, _) => Form::Words,
                _ => form,
            };
            (smallest, next) = (group.scale, group.next);
        }
        if let Some((share, after)) = self.share_of_scale(next, scale) {
            if parts.is_empty() {
                parts.clone_from(&readings);
            }
            parts.push(share);
            readings = readings.iter().map(|n| n.plus(share)).collect();
            (form, next) = (Form::Words, after);
        } else if self.half_follows(next) {
            let half = scale.times(Number::hundredths(50));
            let with_half: Vec<Number> = readings.iter().map(|n| n.plus(half)).collect();
            readings.extend(with_half);
        }
        if self.is_century(at, next) {
            // "in the 1960s" may stand for "في ستينيات القرن العشرين".
            let decades = |&Number(n): &Number| {
                (0..10).map(move |d| {
                    Number(n.saturating_sub(UNIT).saturating_mul(100).saturating_add(d * 10 * UNIT))
                })
            };
            let told: Vec<Number> = readings.iter().flat_map(decades).collect();
            readings.extend(told);
        }
        if form == Form::Ordinal && self.is_english_compound_or_share(at, next) {
            form = Form::Loose;
        }
        let (mut found, next) = self.found(at, next, form, readings, parts);
        found.scale = scale;
        Some((found, next))
    }

    fn is_century(&self, at: usize, next: usize) -> bool {
        let folded = |i: Option<usize>| i.and_then(|i| self.tokens.get(i)).map_or("", Token::folded);
        folded(at.checked_sub(1)).ends_with("قرن") || matches!(folded(Some(next)), "century" | "centuries")
    }

    /// `third-party`, `third parties`, `a fifth`: English ordinals that count nothing.
    fn is_english_compound_or_share(&self, at: usize, next: usize) -> bool {
        let rest = &self.text[self.tokens[next - 1].span.end..];
        let share = matches!(at.checked_sub(1).map(|b| self.tokens[b].folded()), Some("a" | "one"));
        share
            || rest.starts_with(" part")
            || rest.strip_prefix('-').is_some_and(|r| r.starts_with(char::is_alphabetic))
    }

    /// The next group of an English sum without `and`: `two million three hundred thousand`.
    fn english_sum(&self, next: usize) -> Option<usize> {
        (self.touches_previous(next) && !self.is_literal(next) && !self.is_arabic(next)).then_some(next)
    }

    /// `… مليارات ونصف المليار`: what it adds to so many of the same power of ten, and the token after it.
    fn share_of_scale(&self, next: usize, scale: Number) -> Option<(Number, usize)> {
        let (share, after) = self.half_scale(self.joined(next)?)?;
        let value = share.mention.readings.first().copied()?;
        (scale > ONE && share.scale == scale).then_some((value, after))
    }

    /// `… ونصف`, `… and a half`, with at most two words between (`four years and a half`).
    fn half_follows(&self, next: usize) -> bool {
        (next..next + 4).any(|i| {
            matches!(self.meaning(i), Some(Word::Loose([50, ..])))
                && (self.has_and(i) || (next..i).any(|j| self.has_and(j) && self.meaning(j).is_none()))
        })
    }

    fn group(&self, at: usize) -> Option<Group> {
        let mut group = match self.tokens.get(at)?.kind {
            Kind::Literal { .. } => self.literal_group(at)?,
            Kind::Word { .. } => self.word_group(at)?,
        };
        // A date (`4.5.5`) has parts and no value to be multiplied.
        while !self.ends_name(at) && !group.readings.is_empty() {
            let scale = match self.meaning(group.next) {
                Some(Word::Scale(exponent) | Word::PluralScale(exponent)) => Number::power_of_ten(exponent),
                Some(Word::Hundred) => Number::power_of_ten(2),
                Some(Word::Dozen) => Number::whole(12),
                _ => break,
            };
            if self.has_and(group.next) || !self.touches_previous(group.next) || group.form == Form::Ordinal {
                break;
            }
            for reading in &mut group.readings {
                *reading = reading.times(scale);
            }
            group.parts.clear();
            group.scale = group.scale.times(scale);
            group.next += 1;
            if group.form == Form::Loose {
                group.form = Form::Words;
            }
        }
        let years = match self.tokens.get(group.next).map_or("", Token::folded) {
            "decades" | "عقود" => 10,
            "centuries" | "قرون" => 100,
            _ => 1,
        };
        // "three decades" may be told in years: ثلاثون عاما. An ordinal ("the 1st and 2nd centuries") counts none.
        if years > 1 && self.touches_previous(group.next) && group.form != Form::Ordinal {
            let told: Vec<Number> = group.readings.iter().map(|n| n.times(Number::whole(years))).collect();
            group.readings.extend(told);
        }
        Some(group)
    }

    /// Whether the literal at `at` hangs on a word by a hyphen, as in `SARS-CoV-2`: it counts nothing after it.
    fn ends_name(&self, at: usize) -> bool {
        let before = &self.text[..self.tokens[at].span.start];
        self.is_literal(at) && before.strip_suffix('-').is_some_and(|b| b.ends_with(char::is_alphabetic))
    }

    fn literal_group(&self, at: usize) -> Option<Group> {
        let token = &self.tokens[at];
        let Kind::Literal { groups, marks, half } = &token.kind else { return None };
        let (mut readings, parts) = values(groups, marks, *half);
        if let ([whole, thousandths], [mark @ ('.' | ',')]) = (&groups[..], &marks[..])
            && thousandths.len() == 3
            && let Some(Word::Scale(_) | Word::PluralScale(_)) = self.meaning(at + 1)
        {
            // `1.250 million` is hardly a thousand millions; nor is it with a comma where that is the decimal mark.
            let decimal = Number::from_digits(whole, thousandths);
            readings.retain(|n| *n != decimal);
            match mark {
                '.' => readings.insert(0, decimal),
                _ if self.is_arabic(at + 1) => readings.push(decimal),
                _ => {}
            }
        }
        let mut group_scale = ONE;
        let mut next = at + 1;
        let mut form = Form::Digits;
        let before = self.text[..token.span.start].chars().next_back();
        let after = self.text[token.span.end..].chars().next();
        let plain = marks.is_empty() && groups[0].len() <= 2;
        if let Some(suffix) = self.tokens.get(at + 1).filter(|t| t.span.start == token.span.end) {
            let (factor, kept) = suffix.scale_suffix();
            match suffix.raw() {
                "st" | "nd" | "rd" | "th" => next += 1,
                "s" if groups[0].len() >= 2 => {
                    next += 1;
                    readings.extend(decade_readings(readings.first().copied()));
                }
                _ if factor != ONE => {
                    next += 1;
                    let scaled: Vec<Number> = readings.iter().map(|n| n.times(factor)).collect();
                    readings = if kept { [readings, scaled].concat() } else { scaled };
                    group_scale = if kept { ONE } else { factor };
                }
                _ => {}
            }
        }
        // A clock: 15:30 may be told as half past three, and :00 is not told at all.
        if plain && after == Some(':') && self.is_literal(at + 1) || plain && self.in_clock_words(at) {
            readings.extend(other_clock(readings.first().copied()));
        }
        let minutes = plain && before == Some(':') && groups[0] == "00";
        let exponent = at > 0
            && self.tokens[at - 1].span.end == token.span.start
            && match self.tokens[at - 1].folded() {
                "m" | "km" | "cm" | "ft" | "mi" => true,
                "م" | "كم" | "كلم" | "سم" | "ملم" => {
                    matches!(groups[0].as_str(), "2" | "3") && marks.is_empty()
                }
                _ => false,
            };
        let entity = self.text[..token.span.start].ends_with("&#");
        if minutes || exponent || entity {
            form = Form::Loose;
        }
        Some(Group { readings, parts, next, scale: group_scale, form })
    }

    /// Whether the number at `at` is an hour by the words around it.
    fn in_clock_words(&self, at: usize) -> bool {
        let folded = |i: Option<usize>| i.and_then(|i| self.tokens.get(i)).map_or("", Token::folded);
        matches!(folded(at.checked_sub(1)), "الساعه" | "at")
            || matches!(
                folded(Some(at + 1)),
                "مساء" | "مساءا" | "عصرا" | "ظهرا" | "ليلا" | "pm" | "am" | "p" | "a"
            )
    }

    fn word_group(&self, at: usize) -> Option<Group> {
        let group = |value: Number, next, form, scale| Group {
            readings: vec![value],
            parts: Vec::new(),
            next,
            scale,
            form,
        };
        match self.meaning(at)? {
            // "several million", "آلاف": which number it is depends on words we do not know.
            Word::Scale(exponent) => {
                let power = Number::power_of_ten(exponent);
                let mut group = group(power, at + 1, Form::Loose, power);
                if lexicon::may_be_dual(self.tokens[at].raw()) {
                    let twice = power.times(Number::whole(2));
                    let next = self.tokens.get(at + 1).map_or("", Token::folded);
                    // مليونا شخص: one million of them would be مليون شخص.
                    if around::is_counted(next) && self.touches_previous(at + 1) {
                        (group.readings, group.form) = (vec![twice], Form::Words);
                    } else {
                        group.readings.push(twice);
                    }
                }
                Some(group)
            }
            Word::DualScale(exponent) => {
                let power = Number::power_of_ten(exponent);
                let mut group = group(power.times(Number::whole(2)), at + 1, Form::Words, power);
                if self.is_million_strong(at) {
                    group.readings.push(power);
                    group.form = Form::Loose;
                }
                Some(group)
            }
            Word::PluralScale(_) | Word::Month(..) | Word::Loose(_) | Word::Decade(_) | Word::Dozen => None,
            _ => {
                let (value, next, form) = self.below_thousand(at)?;
                Some(group(Number::whole(value), next, form, ONE))
            }
        }
    }

    /// `حشد مليوني`, a crowd of a million: the dual that is written so stands before what it counts, or before a half.
    fn is_million_strong(&self, at: usize) -> bool {
        let next = self.tokens.get(at + 1).map_or("", Token::raw);
        let goes_on = self.touches_previous(at + 1)
            && (self.has_and(at + 1) || self.is_arabic(at + 1) && around::may_be_counted(next));
        self.tokens[at].folded().ends_with("مليوني") && !goes_on
    }

    fn below_thousand(&self, at: usize) -> Option<(i64, usize, Form)> {
        let (hundreds, mut next, form) = match self.meaning(at)? {
            Word::Hundreds(value) => (i64::from(value), at + 1, Form::Words),
            Word::Hundred => (100, at + 1, Form::Loose),
            Word::Small(units @ 1..=19)
                if self.meaning(at + 1) == Some(Word::Hundred)
                    && self.touches_previous(at + 1)
                    && !self.has_and(at + 1) =>
            {
                (i64::from(units) * 100, at + 2, Form::Words)
            }
            _ => return self.below_hundred(at),
        };
        let mut total = hundreds;
        let mut form = form;
        if let Some(joined) = self.joined(next)
            && let Some((rest, after, rest_form)) = self.below_hundred(joined)
            && self.meaning(after) != Some(Word::Hundred)
        {
            total += rest;
            next = after;
            form = if rest_form == Form::Ordinal { Form::Ordinal } else { Form::Words };
        }
        Some((total, next, form))
    }

    fn below_hundred(&self, at: usize) -> Option<(i64, usize, Form)> {
        let arabic = self.is_arabic(at);
        let next_touches = self.touches_previous(at + 1);
        match self.meaning(at)? {
            Word::Small(units @ 1..=9) => Some(self.units(at, units, Form::Words)),
            Word::Ordinal(units @ 1..=9) => Some(self.units(at, units, Form::Ordinal)),
            Word::Accusative(units, _) => {
                Some(self.units(at, units, Form::Words)).filter(|&(_, next, _)| next > at + 1)
            }
            Word::Small(value) => Some((value.into(), at + 1, Form::Words)),
            Word::Ordinal(value) => Some((value.into(), at + 1, Form::Ordinal)),
            Word::Tens(tens) => match self.meaning(at + 1) {
                Some(Word::Small(units @ 1..=9)) if !arabic && next_touches => {
                    Some((i64::from(tens + units), at + 2, Form::Words))
                }
                Some(Word::Ordinal(units @ 1..=9)) if !arabic && next_touches => {
                    Some((i64::from(tens + units), at + 2, Form::Ordinal))
                }
                _ => Some((tens.into(), at + 1, Form::Words)),
            },
            Word::OrdinalTens(tens) => Some((tens.into(), at + 1, Form::Ordinal)),
            _ => None,
        }
    }

    /// 1 to 9, an Arabic teen (ثلاثة عشر) or an Arabic compound with the units first (ثلاثة وعشرون).
    fn units(&self, at: usize, units: u8, form: Form) -> (i64, usize, Form) {
        let alone = (i64::from(units), at + 1, form);
        let form = if lexicon::is_ahad(self.tokens[at].folded()) { Form::Words } else { form };
        if !self.is_arabic(at) || !self.touches_previous(at + 1) {
            return alone;
        }
        if self.meaning(at + 1) == Some(Word::Small(10))
            && !self.has_and(at + 1)
            && !lexicon::is_first(self.tokens[at].folded())
        {
            return (10 + i64::from(units), at + 2, form);
        }
        match self.joined(at + 1).map(|joined| (joined, self.meaning(joined))) {
            Some((joined, Some(Word::Tens(tens)))) => (i64::from(tens + units), joined + 1, form),
            _ => alone,
        }
    }

    /// Words that may stand for a number.
    fn loose(&self, at: usize) -> Option<(Found, usize)> {
        let mut form = Form::Loose;
        let readings = match (self.meaning(at), &self.tokens[at].kind) {
            (Some(Word::Loose(values) | Word::Accusative(_, values)), _) => {
                values.iter().map(|&v| Number::hundredths(v)).collect()
            }
            (Some(Word::Dozen), _) => vec![Number::whole(12)],
            (Some(Word::Decade(tens)), _) => {
                let tens = Number::whole(tens.into());
                form = Form::Decade;
                std::iter::once(tens)
                    .chain([16, 17, 18, 19, 20].map(|c| tens.plus(Number::whole(c * 100))))
                    .collect()
            }
            (None, Kind::Word { folded, arabic: true, .. }) if lexicon::looks_dual(folded) => {
                vec![Number::whole(2)]
            }
            (None, Kind::Word { raw, arabic: false, .. }) => vec![Number::whole(lexicon::roman(raw)?)],
            _ => return None,
        };
        Some(self.found(at, at + 1, form, readings, Vec::new()))
    }
}

/// `1960s` may be told as the sixties, `60s` as the 1960s.
fn decade_readings(value: Option<Number>) -> Vec<Number> {
    match value {
        Some(Number(n)) if n < 100 * UNIT => (16..=20).map(|c| Number(n + c * 100 * UNIT)).collect(),
        Some(Number(n)) => vec![Number(n % (100 * UNIT))],
        None => Vec::new(),
    }
}

/// The hour on the other half of the day.
fn other_clock(hour: Option<Number>) -> Option<Number> {
    let hour = hour?.0 / UNIT;
    let other = match hour {
        0..=12 => hour + 12,
        13..=24 => hour - 12,
        _ => return None,
    };
    Some(Number(other * UNIT))
}
