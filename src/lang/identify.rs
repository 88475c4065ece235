//! Which language text in the Arabic script is in, where it is surely not Arabic.

use std::sync::LazyLock;

use super::{Lang, is_arabic_letter};

/// Letters of one language only: of Sorani Kurdish, and of Pashto, which whatlang does not know.
const LETTERS: [(&str, &[char]); 2] =
    [("ckb", &['ێ', 'ۆ', 'ڕ', 'ڵ', 'ە', 'ڤ']), ("ps", &['ښ', 'ږ', 'ټ', 'ډ', 'ړ', 'ځ', 'څ', 'ۍ', 'ې'])];
/// Names and quotations have a few of them: of so many letters one must be theirs.
const ONE_IN: usize = 15;
/// Fewer letters than this tell nothing.
const FEWEST: usize = 20;

static DETECTOR: LazyLock<whatlang::Detector> = LazyLock::new(|| {
    use whatlang::Lang::{Ara, Pes, Urd};
    whatlang::Detector::with_allowlist(vec![Ara, Pes, Urd])
});

/// Persian, Urdu, Sorani Kurdish or Pashto; none for Arabic and for whatever is too short to tell.
pub fn other_than_arabic(text: &str) -> Option<Lang> {
    let letters = text.chars().filter(|&c| is_arabic_letter(c)).count();
    if letters < FEWEST {
        return None;
    }
    let of = |own: &[char]| text.chars().filter(|c| own.contains(c)).count();
    if let Some((code, _)) = LETTERS.iter().find(|(_, own)| of(own) * ONE_IN >= letters) {
        return Some(Lang((*code).into()));
    }
    let found = DETECTOR.detect(text).filter(whatlang::Info::is_reliable)?;
    match found.lang() {
        whatlang::Lang::Pes => Some(Lang("fa".into())),
        whatlang::Lang::Urd => Some(Lang("ur".into())),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_of_arabic_are_told_from_it() {
        // Ten in Persian, five in Urdu, three in Kurdish, two in Pashto: what is not sure is not said.
        for (code, text) in [
            (
                Some("fa"),
                "وزیر بهداشت روز یکشنبه از بیمارستان شهر دیدن کرد و گفت که پزشکان بیشتری اعزام خواهند شد.",
            ),
            (Some("fa"), "بر اثر بارش شدید باران جاده ساحلی بسته شد و چند روستا در محاصره آب قرار گرفت."),
            (Some("fa"), "این گزارش در تهران منتشر شد و خبرگزاری‌ها آن را بازتاب دادند."),
            (Some("fa"), "مردم منطقه می‌گویند که برق و آب از سه روز پیش قطع شده است."),
            (None, "دولت اعلام کرد که مدارس تا پایان هفته تعطیل خواهد بود."),
            (Some("fa"), "نیروهای امدادی هنوز نتوانسته‌اند به همه مناطق آسیب دیده برسند."),
            (Some("fa"), "وی افزود که کمک‌های انسانی باید بدون تبعیض توزیع شود."),
            (None, "او در پاسخ به پرسش خبرنگاران گفت: ما منتظر دستور هستیم."),
            (Some("fa"), "قیمت نان در بازار دو برابر شده است."),
            (None, "کودکان زیادی در این حمله کشته شدند."),
            (
                Some("ur"),
                "وزیر صحت نے اتوار کو شہر کے ہسپتال کا دورہ کیا اور کہا کہ مزید ڈاکٹر بھیجے جائیں گے۔",
            ),
            (None, "شدید بارش کے باعث ساحلی سڑک بند ہو گئی اور کئی دیہات پانی میں گھر گئے۔"),
            (Some("ur"), "حکومت نے اعلان کیا ہے کہ اسکول ہفتے کے آخر تک بند رہیں گے۔"),
            (Some("ur"), "لوگوں کا کہنا ہے کہ تین دن سے بجلی اور پانی نہیں ہے۔"),
            (None, "اس حملے میں کئی بچے ہلاک ہوئے۔"),
            (Some("ckb"), "ئەم ڕاپۆرتە لە شاری هەولێر بڵاوکرایەوە و هەموو میدیاکان باسیان لێکرد."),
            (Some("ckb"), "حکومەتی هەرێم ڕایگەیاند کە قوتابخانەکان تا کۆتایی هەفتە داخراون."),
            (Some("ckb"), "خەڵکی ناوچەکە دەڵێن سێ ڕۆژە کارەبا و ئاو نییە."),
            (Some("ps"), "د روغتیا وزیر د یکشنبې په ورځ له روغتونه لیدنه وکړه."),
            (Some("ps"), "حکومت اعلان وکړ چې ښوونځي به د اونۍ تر پایه تړلي وي."),
        ] {
            assert_eq!(other_than_arabic(text).map(|lang| lang.0).as_deref(), code, "{text}");
        }
    }

    #[test]
    fn arabic_and_scraps_are_not() {
        for text in [
            "زار وزير الصحة المستشفى يوم الأحد وقال إن مزيدا من الأطباء سيصلون.",
            "أعلنت شركة پيپسي افتتاح مصنعها في الصين بحضور الوزير چاو يانگ.",
            "شو عم تعمل هون؟ ما بعرف وين راحو كلهن مبارح بالليل.",
            "إيه اللي حصل امبارح في الميدان؟ محدش عارف حاجة خالص.",
            "تهران",
            "",
        ] {
            assert_eq!(other_than_arabic(text), None, "{text}");
        }
    }
}
