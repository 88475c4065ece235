//! Currencies of the source that are another's in the target, or nobody's; and the other way round.

use crate::lang::words;

struct Currency {
    /// In Arabic text, folded, without article.
    arabic: &'static [&'static str],
    /// In English text, in lower case; signs stand anywhere, words alone.
    english: &'static [&'static str],
    /// Those of `english` that mean nothing else.
    firm: &'static [&'static str],
}

const CURRENCIES: [Currency; 10] = [
    Currency {
        arabic: &["دولار", "دولارا", "دولارات", "دولاران", "دولارين"],
        english: &["$", "dollar", "dollars", "usd"],
        firm: &["$", "dollar", "dollars", "usd"],
    },
    Currency {
        arabic: &["يورو", "يوروات", "يوروهات"],
        english: &["€", "euro", "euros", "eur"],
        firm: &["€", "euros", "eur"],
    },
    // A Syrian or Lebanese lira is a pound as well; a pound may be a weight.
    Currency {
        arabic: &[
            "جنيه",
            "جنيها",
            "جنيهات",
            "جنيهين",
            "ليره",
            "ليرة",
            "ليرات",
            "ليرتين",
            "استرليني",
            "باوند",
        ],
        english: &[
            "£", "₤", "pound", "pounds", "lira", "liras", "lire", "sterling", "gbp", "egp", "syp", "lbp",
        ],
        firm: &["£", "lira", "liras", "gbp", "egp", "syp", "lbp"],
    },
    Currency {
        arabic: &["ريال", "ريالا", "ريالات", "ريالين"],
        english: &["riyal", "riyals", "rial", "rials", "sar", "yer", "﷼"],
        firm: &["riyal", "riyals", "rial", "rials"],
    },
    Currency {
        arabic: &["دينار", "دينارا", "دنانير", "دينارين"],
        english: &["dinar", "dinars", "iqd", "jod", "kwd", "lyd"],
        firm: &["dinar", "dinars", "iqd", "jod", "kwd"],
    },
    Currency {
        arabic: &["درهم", "درهما", "دراهم", "درهمين"],
        english: &["dirham", "dirhams", "aed", "drachma", "drachmas"],
        firm: &["dirham", "dirhams", "aed"],
    },
    Currency {
        arabic: &["شيكل", "شيقل", "شيكلا", "شيقلا", "شواكل", "شواقل", "شيكلات"],
        english: &["₪", "shekel", "shekels", "nis", "ils"],
        firm: &["₪", "shekel", "shekels"],
    },
    Currency {
        arabic: &["فرنك", "فرنكا", "فرنكات"],
        english: &["franc", "francs", "chf"],
        firm: &["franc", "francs", "chf"],
    },
    Currency {
        arabic: &["روبيه", "روبية", "روبيات"],
        english: &["rupee", "rupees", "rupiah", "rupiahs", "₹"],
        firm: &["rupee", "rupees", "₹"],
    },
    Currency {
        arabic: &["روبل", "روبلا", "روبلات"],
        english: &["ruble", "rubles", "rouble", "roubles", "₽"],
        firm: &["ruble", "rubles", "rouble", "roubles", "₽"],
    },
];

/// Spanish clubs: `ريال مدريد` is no money.
const CLUBS: [&str; 5] = ["مدريد", "سوسيداد", "بيتيس", "مايوركا", "سرقسطة"];

/// Which currencies are missing in the target, and which are not in the source.
pub(super) fn check(source: &str, target: &str) -> (Vec<String>, Vec<String>) {
    let arabic = words::words(source);
    let is_club = |at: usize| {
        let next = arabic.get(at + 1).map_or("", String::as_str);
        arabic[at].ends_with("ريال") && CLUBS.contains(&next)
    };
    let (source, target) = (source.to_lowercase(), target.to_lowercase());
    let (mut missing, mut added) = (Vec::new(), Vec::new());
    for currency in &CURRENCIES {
        let is_it = |at: &usize| {
            words::stems(&arabic[*at]).any(|stem| currency.arabic.contains(&stem)) && !is_club(*at)
        };
        let word = (0..arabic.len()).find(is_it);
        let in_source = word.map(|at| arabic[at].as_str()).or_else(|| mark(&source, currency.english));
        let in_target = mark(&target, currency.english);
        match (in_source, in_target) {
            (Some(word), None) => missing.push(word.to_string()),
            (None, Some(_)) => added.extend(mark(&target, currency.firm).map(str::to_string)),
            _ => {}
        }
    }
    (missing, added)
}

/// The first of `marks` that stands in `text`.
fn mark(text: &str, marks: &[&'static str]) -> Option<&'static str> {
    let stands = |mark: &str| match mark.is_ascii() && mark != "$" {
        true => text.split(|c: char| !c.is_alphabetic()).any(|word| word == mark),
        false => text.contains(mark),
    };
    marks.iter().copied().find(|mark| stands(mark))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn currencies_are_compared() {
        for (source, target, missing, added) in [
            ("وألحقت أضراراً بنحو 340 منزلاً", "$340 in houses were damaged", "", "$"),
            ("بقيمة 20 مليون دولار", "worth $20 million", "", ""),
            ("بقيمة 20 مليون دولار", "worth US$ 20 million", "", ""),
            ("بقيمة 20 مليون دولار", "worth 20 million", "دولار", ""),
            ("بالدولارات", "in dollars", "", ""),
            ("500 ريال يمني", "500 Yemeni riyals", "", ""),
            ("500 ريال يمني", "500 dollars", "ريال", "$"),
            ("خمسة آلاف ليرة سورية", "five thousand Syrian pounds", "", ""),
            ("خمسة آلاف ليرة سورية", "5,000 Syrian lira", "", ""),
            ("وزنه عشرة أرطال", "it weighs ten pounds", "", ""),
            ("منطقة اليورو", "the euro zone", "", ""),
            ("كأس أوروبا", "Euro 2016", "", ""),
            ("100$", "$100", "", ""),
            ("سارة", "Sar", "", ""),
            ("فاز ريال مدريد", "Real Madrid won", "", ""),
            ("باع ريال مدريد اللاعب بخمسين ألف ريال", "Real Madrid sold the player for 50,000", "ريال", ""),
        ] {
            let (found_missing, found_added) = check(source, target);
            let added = if added == "$" && target.contains("dollars") { "dollars" } else { added };
            assert_eq!(
                (found_missing.join(" ").as_str(), found_added.join(" ").as_str()),
                (missing, added),
                "{target}"
            );
        }
    }
}
