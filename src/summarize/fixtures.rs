//! A small report, written for these tests.

use crate::document::{BlockKind, Span};
use crate::unit::{State, TranslationUnit};

pub(super) fn unit(index: usize, source: &str, target: &str) -> TranslationUnit {
    TranslationUnit {
        document: "report.txt".into(),
        index,
        span: Span::new(0, source.len()),
        block: index,
        kind: BlockKind::Paragraph,
        source: source.into(),
        source_normalized: source.into(),
        target: target.into(),
        state: State::Translated,
        reason: None,
        findings: Vec::new(),
        attempts: Vec::new(),
        reviewed: false,
        respelled: Vec::new(),
        pieces: 1,
        score: None,
    }
}

/// A title and nine sentences about a flood.
pub(super) fn document() -> Vec<TranslationUnit> {
    let pairs = [
        (
            "فيضان يغمر مخيم النور ويشرد مئات العائلات",
            "Flood submerges Al-Nour camp and displaces hundreds of families",
        ),
        (
            "أعلنت فرق الدفاع المدني أن فيضان نهر الوادي غمر مخيم النور فجر الثلاثاء وشرّد 340 عائلة.",
            "Civil Defence teams announced that the Wadi river flooded Al-Nour camp at dawn on Tuesday, displacing 340 families.",
        ),
        (
            "وقالت إدارة المخيم إن المياه جرفت 120 خيمة وألحقت أضراراً بالمدرسة والعيادة في المخيم.",
            "The camp's administration said the water swept away 120 tents and damaged the school and the clinic in the camp.",
        ),
        ("وكان الطقس بارداً في تلك الليلة.", "The weather was cold that night."),
        (
            "ونقلت فرق الدفاع المدني العائلات المشردة من المخيم إلى ثلاث مدارس في المدينة.",
            "Civil Defence teams moved the displaced families from the camp to three schools in the city.",
        ),
        (
            "وطالبت إدارة المخيم المنظمات الإنسانية بتأمين خيام وبطانيات ومياه شرب للعائلات المشردة.",
            "The camp's administration asked humanitarian organisations for tents, blankets and drinking water for the displaced families.",
        ),
        (
            "وذكر مدير العيادة أن 15 طفلاً نُقلوا إلى المستشفى بعد إصابتهم بالبرد.",
            "The clinic's director said that 15 children were taken to hospital suffering from the cold.",
        ),
        ("شكراً لكم.", "Thank you."),
        (
            "وتوقعت الأرصاد الجوية استمرار الأمطار حتى يوم الخميس وارتفاع منسوب نهر الوادي بنسبة 20 في المئة.",
            "The weather service expects the rain to last until Thursday and the Wadi river to rise by 20 per cent.",
        ),
        (
            "ويعيش في مخيم النور نحو 2,100 شخص منذ عام 2015.",
            "About 2,100 people have lived in Al-Nour camp since 2015.",
        ),
    ];
    let mut units: Vec<_> = pairs.iter().enumerate().map(|(i, (ar, en))| unit(i, ar, en)).collect();
    units[0].kind = BlockKind::Title;
    units
}
