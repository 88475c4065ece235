//! Words around names in Arabic, and places whose English name is no spelling of the Arabic one. All Arabic is folded
//! (`lang::words`) and without what is written onto words.

use std::collections::HashSet;
use std::sync::LazyLock;

type Words = LazyLock<HashSet<&'static str>>;

/// Titles and verbs of saying that a person's name follows.
pub(super) static BEFORE_A_PERSON: Words = LazyLock::new(|| {
    "رئيس رئيسة وزير وزيرة دكتور دكتورة شيخ ملك امير سيد سيدة متحدث ناطق قائد لواء عميد عقيد مقدم رائد \
     نقيب جنرال ناشط ناشطة محامي محامية صحفي صحفية صحافي صحافية طبيب طبيبة مدير مديرة سفير قاضي مبعوث \
     نائب كاتب كاتبة شاعر مخرج بابا امام مطران اسير شهيد مواطن طفل طفلة شاب شابة مهندس استاذ بروفيسور قال \
     قالت صرح اكد اكدت اعلن اعلنت اضاف اضافت ذكر اوضح اشار اعتبر دعا حذر نفي"
        .split_whitespace()
        .collect()
});
/// Given names that begin a person's name.
pub(super) static GIVEN: Words = LazyLock::new(|| {
    "محمد احمد محمود مصطفي علي حسن حسين عمر عثمان ابراهيم اسماعيل يوسف موسي عيسي يحيي خالد وليد سعيد سعد \
     سليمان سالم سليم طارق زياد رامي سامي سمير كمال جمال جلال عادل ماجد ناصر نبيل نزار هاني هشام وائل \
     ياسر بشار حافظ صدام معمر انور عمار مازن مروان منير فاطمة مريم عائشة خديجة زينب ليلي نور سارة هدي رنا \
     ريم سلمي امل ايمان دينا منال نجلاء عبد ابو بن جورج جون ميشيل الياس بطرس انطونيو دونالد جو فلاديمير \
     رجب طيب بنيامين ايمانويل انجيلا باراك هيلاري ديفيد مايكل"
        .split_whitespace()
        .collect()
});
/// Words that a place's name follows.
pub(super) static BEFORE_A_PLACE: Words = LazyLock::new(|| {
    "مدينة بلدة قرية محافظة منطقة ريف حي مخيم ناحية قضاء ولاية جزيرة مطار معبر بلدية اقليم ضاحية مقاطعة \
     عاصمة جبل نهر وادي سهل ميناء"
        .split_whitespace()
        .collect()
});
/// Prepositions of a place.
pub(super) static IN: Words =
    LazyLock::new(|| "في داخل قرب شمال جنوب شرق غرب شمالي جنوبي شرقي غربي وسط".split_whitespace().collect());
/// Capitalised in English and spelled alike, and no places.
pub(super) static NO_PLACES: Words = LazyLock::new(|| {
    "اسلام عربية قران انترنت ديمقراطية دولار كنيسة اكاديمية انجليزية".split_whitespace().collect()
});
/// The same in English. `from` and `to` lead to people too.
pub(super) const IN_ENGLISH: [&str; 14] = [
    "in",
    "In",
    "near",
    "inside",
    "outside",
    "across",
    "throughout",
    "within",
    "around",
    "north",
    "south",
    "east",
    "west",
    "of",
];
/// Places.
#[rustfmt::skip]
pub(super) const PLACES: [(&str, &str); 74] = [
    ("مصر", "Egypt"), ("القاهرة", "Cairo"), ("الاسكندرية", "Alexandria"), ("سيناء", "Sinai"),
    ("السويس", "Suez"), ("دمشق", "Damascus"), ("حلب", "Aleppo"), ("اللاذقية", "Latakia"),
    ("سوريا", "Syria"), ("سورية", "Syria"), ("لبنان", "Lebanon"), ("بيروت", "Beirut"), ("صيدا", "Sidon"),
    ("صور", "Tyre"), ("الاردن", "Jordan"), ("عمان", "Amman"), ("فلسطين", "Palestine"),
    ("القدس", "Jerusalem"), ("غزة", "Gaza"), ("الخليل", "Hebron"), ("بيت لحم", "Bethlehem"),
    ("الناصرة", "Nazareth"), ("اسرائيل", "Israel"), ("العراق", "Iraq"), ("بغداد", "Baghdad"),
    ("البصرة", "Basra"), ("الموصل", "Mosul"), ("السعودية", "Saudi Arabia"), ("الرياض", "Riyadh"),
    ("مكة", "Mecca"), ("المدينة المنورة", "Medina"), ("اليمن", "Yemen"), ("صنعاء", "Sanaa"),
    ("عدن", "Aden"), ("الامارات", "Emirates"), ("ابو ظبي", "Abu Dhabi"), ("دبي", "Dubai"),
    ("قطر", "Qatar"), ("الدوحة", "Doha"), ("البحرين", "Bahrain"), ("الكويت", "Kuwait"),
    ("المغرب", "Morocco"), ("الرباط", "Rabat"), ("الدار البيضاء", "Casablanca"), ("الجزائر", "Algeria"),
    ("تونس", "Tunisia"), ("ليبيا", "Libya"), ("طرابلس", "Tripoli"), ("السودان", "Sudan"),
    ("الخرطوم", "Khartoum"), ("موريتانيا", "Mauritania"), ("الصومال", "Somalia"), ("تركيا", "Turkey"),
    ("ايران", "Iran"), ("طهران", "Tehran"), ("روسيا", "Russia"), ("موسكو", "Moscow"),
    ("اوكرانيا", "Ukraine"), ("الصين", "China"), ("الهند", "India"), ("اليابان", "Japan"),
    ("فرنسا", "France"), ("باريس", "Paris"), ("المانيا", "Germany"), ("بريطانيا", "Britain"),
    ("لندن", "London"), ("ايطاليا", "Italy"), ("اسبانيا", "Spain"), ("اليونان", "Greece"),
    ("الولايات المتحدة", "United States"), ("واشنطن", "Washington"), ("نيويورك", "New York"),
    ("جنيف", "Geneva"), ("افغانستان", "Afghanistan"),
];
