//! A page's content stream → glyphs where they stand.
//!
//! Positions are in points from the page's lower left corner as it is looked at: turned pages are turned first.

use std::collections::HashMap;
use std::rc::Rc;

use lopdf::{Dictionary, Object, ObjectId};

use super::cmap::utf16;
use super::file::File;
use super::font::Font;
use super::letters;
use super::syntax::{Operand, Operators};

/// Operators of all pages together; forms that call each other can ask for any number.
const MAX_OPERATORS: usize = 100 << 20;
/// Glyphs of a page.
const MAX_GLYPHS: usize = 1 << 19;
/// Forms within forms, and states on the stack.
const MAX_FORMS: usize = 16;
const MAX_STATES: usize = 512;

/// A glyph on the page.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Glyph {
    /// What it stands for, folded; none where no map knows it.
    pub text: Option<String>,
    /// Left end along its direction.
    pub left: f32,
    /// Right end.
    pub right: f32,
    /// Height of the baseline.
    pub y: f32,
    /// Height of its em.
    pub size: f32,
    /// Direction of the baseline in degrees, 0 for upright text. Positions are turned back by it.
    pub angle: i16,
    /// Whether its font is bold.
    pub is_bold: bool,
}

/// What was found on a page.
#[derive(Default)]
pub(super) struct Content {
    /// In the order of the stream.
    pub glyphs: Vec<Glyph>,
    /// Whether there are images or drawings.
    pub has_graphics: bool,
    /// Whether something of it could not be read, or was too much.
    pub is_cut: bool,
}

/// `[a b c d e f]`: x' = ax + cy + e, y' = bx + dy + f.
#[derive(Clone, Copy)]
struct Matrix([f32; 6]);

impl Matrix {
    const IDENTITY: Matrix = Matrix([1.0, 0.0, 0.0, 1.0, 0.0, 0.0]);

    fn of(numbers: &[f32]) -> Option<Matrix> {
        numbers.try_into().ok().map(Matrix)
    }

    fn shift(x: f32, y: f32) -> Matrix {
        Matrix([1.0, 0.0, 0.0, 1.0, x, y])
    }

    /// First `self`, then `next`.
    fn then(self, next: Matrix) -> Matrix {
        let ([a, b, c, d, e, f], [g, h, i, j, k, l]) = (self.0, next.0);
        Matrix([
            a * g + b * i,
            a * h + b * j,
            c * g + d * i,
            c * h + d * j,
            e * g + f * i + k,
            e * h + f * j + l,
        ])
    }

    fn point(self, x: f32, y: f32) -> (f32, f32) {
        let [a, b, c, d, e, f] = self.0;
        (a * x + c * y + e, b * x + d * y + f)
    }
}

#[derive(Clone)]
struct State {
    to_page: Matrix,
    font: Option<Rc<Font>>,
    size: f32,
    character_space: f32,
    word_space: f32,
    scale: f32,
    leading: f32,
    rise: f32,
}

/// Text that stands for the glyphs of a marked span.
struct ActualText {
    text: String,
    /// Number of glyphs before it.
    start: usize,
}

/// Reads the pages of a file, one after the other; fonts are kept.
pub(super) struct Reader<'f> {
    file: &'f File,
    fonts: HashMap<ObjectId, Rc<Font>>,
    operators: usize,
}

impl<'f> Reader<'f> {
    pub fn new(file: &'f File) -> Self {
        Reader { file, fonts: HashMap::new(), operators: 0 }
    }

    /// The glyphs of a page.
    pub fn page(&mut self, page: &Dictionary) -> Content {
        let numbers = |key: &[u8]| {
            let array = self.file.inherited(page, key)?.as_array().ok()?;
            let numbers =
                array.iter().map(|o| self.file.resolve(o).and_then(|o| o.as_float().ok()).unwrap_or(0.0));
            <[f32; 4]>::try_from(numbers.collect::<Vec<_>>()).ok()
        };
        let [x0, y0, x1, y1] = numbers(b"CropBox").or_else(|| numbers(b"MediaBox")).unwrap_or(A4);
        let (left, bottom, width, height) = (x0.min(x1), y0.min(y1), (x1 - x0).abs(), (y1 - y0).abs());
        let turned = self.file.inherited(page, b"Rotate").and_then(|r| r.as_float().ok()).unwrap_or(0.0);
        let origin = Matrix::shift(-left, -bottom);
        let to_page = origin.then(match (turned as i32).rem_euclid(360) {
            90 => Matrix([0.0, -1.0, 1.0, 0.0, 0.0, width]),
            180 => Matrix([-1.0, 0.0, 0.0, -1.0, width, height]),
            270 => Matrix([0.0, 1.0, -1.0, 0.0, height, 0.0]),
            _ => Matrix::IDENTITY,
        });
        let (bytes, is_whole) = self.file.page_contents(page);
        let mut content = Content { is_cut: !is_whole, ..Content::default() };
        let resources = match self.file.inherited(page, b"Resources") {
            Some(Object::Dictionary(resources)) => Some(resources),
            _ => None,
        };
        let state = State {
            to_page,
            font: None,
            size: 0.0,
            character_space: 0.0,
            word_space: 0.0,
            scale: 1.0,
            leading: 0.0,
            rise: 0.0,
        };
        self.stream(&bytes, resources, state, 0, &mut content);
        content
    }

    fn stream(
        &mut self,
        bytes: &[u8],
        resources: Option<&Dictionary>,
        mut state: State,
        depth: usize,
        content: &mut Content,
    ) {
        let mut stack: Vec<State> = Vec::new();
        let (mut line, mut text) = (Matrix::IDENTITY, Matrix::IDENTITY);
        let mut marked: Vec<Option<ActualText>> = Vec::new();
        let mut operators = Operators::new(bytes);
        while let Some(operator) = operators.next() {
            self.operators += 1;
            if self.operators > MAX_OPERATORS || content.glyphs.len() > MAX_GLYPHS {
                content.is_cut = true;
                return;
            }
            let operands = &operators.operands;
            let numbers: Vec<f32> = operands.iter().filter_map(Operand::number).collect();
            let last = numbers.last().copied();
            match (operator, &numbers[..]) {
                (b"q", _) if stack.len() < MAX_STATES => stack.push(state.clone()),
                (b"Q", _) => {
                    if let Some(saved) = stack.pop() {
                        state = saved;
                    }
                }
                (b"cm", six) => {
                    if let Some(matrix) = Matrix::of(six) {
                        state.to_page = matrix.then(state.to_page);
                    }
                }
                (b"BT", _) => (line, text) = (Matrix::IDENTITY, Matrix::IDENTITY),
                (b"Tf", _) => {
                    if let Some(name) = operands.first().and_then(Operand::name) {
                        state.font = self.font(resources, name);
                    }
                    state.size = last.unwrap_or(state.size);
                }
                (b"gs", _) => {
                    let name = operands.first().and_then(Operand::name);
                    if let Some((font, size)) = name.and_then(|name| self.font_of_state(resources, name)) {
                        (state.font, state.size) = (Some(font), size);
                    }
                }
                (b"Tc", [value, ..]) => state.character_space = *value,
                (b"Tw", [value, ..]) => state.word_space = *value,
                (b"Tz", [value, ..]) => state.scale = value / 100.0,
                (b"TL", [value, ..]) => state.leading = *value,
                (b"Ts", [value, ..]) => state.rise = *value,
                (b"Td", [x, y, ..]) => {
                    line = Matrix::shift(*x, *y).then(line);
                    text = line;
                }
                (b"TD", [x, y, ..]) => {
                    state.leading = -y;
                    line = Matrix::shift(*x, *y).then(line);
                    text = line;
                }
                (b"Tm", six) => {
                    if let Some(matrix) = Matrix::of(six) {
                        (line, text) = (matrix, matrix);
                    }
                }
                (b"T*", _) => {
                    line = Matrix::shift(0.0, -state.leading).then(line);
                    text = line;
                }
                (b"'" | b"\"", spaces) => {
                    if let (b"\"", [word, character, ..]) = (operator, spaces) {
                        (state.word_space, state.character_space) = (*word, *character);
                    }
                    line = Matrix::shift(0.0, -state.leading).then(line);
                    text = line;
                    if let Some(bytes) = operands.last().and_then(Operand::text) {
                        show(&state, &mut text, bytes, content);
                    }
                }
                // Damage may have taken the bracket that tells one from the other.
                (b"Tj" | b"TJ", _) => {
                    let items = match operands.last() {
                        Some(Operand::Array(items)) => items.as_slice(),
                        _ => operands.as_slice(),
                    };
                    for item in items {
                        match item {
                            Operand::Text(bytes) => show(&state, &mut text, bytes, content),
                            Operand::Number(n) => {
                                let x = -n / 1000.0 * state.size * state.scale;
                                text = Matrix::shift(x, 0.0).then(text);
                            }
                            _ => {}
                        }
                    }
                }
                (b"BMC", _) => marked.push(None),
                (b"BDC", _) => {
                    let text = self.actual_text(resources, operands.last());
                    marked.push(text.map(|text| ActualText { text, start: content.glyphs.len() }));
                }
                (b"EMC", _) => {
                    if let Some(Some(actual)) = marked.pop() {
                        replace(&mut content.glyphs, actual);
                    }
                }
                (b"Do", _) => {
                    if let Some(name) = operands.first().and_then(Operand::name) {
                        self.object(resources, name, &state, depth, content);
                    }
                }
                (b"f" | b"F" | b"f*" | b"B" | b"B*" | b"S" | b"s" | b"sh" | b"b", _) => {
                    content.has_graphics = true
                }
                _ => {}
            }
        }
    }

    /// A form is a stream of its own; of an image it is only known that it is there.
    fn object(
        &mut self,
        resources: Option<&Dictionary>,
        name: &[u8],
        state: &State,
        depth: usize,
        content: &mut Content,
    ) {
        let file = self.file;
        let Some(Object::Stream(object)) = resources
            .and_then(|r| file.dictionary(r, b"XObject"))
            .and_then(|objects| file.get(objects, name))
        else {
            return;
        };
        if file.name(&object.dict, b"Subtype") != Some(b"Form") {
            content.has_graphics = true;
            return;
        }
        let Some(bytes) = file.contents(object).filter(|_| depth < MAX_FORMS) else {
            content.is_cut = true;
            return;
        };
        let mut state = state.clone();
        if let Some(matrix) = file.numbers(&object.dict, b"Matrix").and_then(|m| Matrix::of(&m)) {
            state.to_page = matrix.then(state.to_page);
        }
        let own = file.dictionary(&object.dict, b"Resources");
        self.stream(&bytes, own.or(resources), state, depth + 1, content);
    }

    fn font(&mut self, resources: Option<&Dictionary>, name: &[u8]) -> Option<Rc<Font>> {
        let fonts = self.file.dictionary(resources?, b"Font")?;
        self.font_of(fonts.get(name).ok()?)
    }

    fn font_of_state(&mut self, resources: Option<&Dictionary>, name: &[u8]) -> Option<(Rc<Font>, f32)> {
        let states = self.file.dictionary(resources?, b"ExtGState")?;
        let entry = self.file.get(self.file.dictionary(states, name)?, b"Font")?.as_array().ok()?;
        Some((self.font_of(entry.first()?)?, entry.get(1)?.as_float().ok()?))
    }

    fn font_of(&mut self, object: &Object) -> Option<Rc<Font>> {
        let id = object.as_reference().ok();
        if let Some(font) = id.and_then(|id| self.fonts.get(&id)) {
            return Some(font.clone());
        }
        let Object::Dictionary(dictionary) = self.file.resolve(object)? else { return None };
        let font = Rc::new(Font::read(self.file, dictionary));
        if let Some(id) = id {
            self.fonts.insert(id, font.clone());
        }
        Some(font)
    }

    fn actual_text(&self, resources: Option<&Dictionary>, properties: Option<&Operand>) -> Option<String> {
        let bytes = match properties? {
            Operand::Name(name) => {
                let properties = self.file.dictionary(resources?, b"Properties")?;
                let entry = self.file.get(self.file.dictionary(properties, name)?, b"ActualText")?;
                entry.as_str().ok()?.to_vec()
            }
            properties => properties.get(b"ActualText")?.text()?.to_vec(),
        };
        Some(match bytes.strip_prefix(b"\xEF\xBB\xBF") {
            Some(utf8) => String::from_utf8_lossy(utf8).into_owned(),
            None if bytes.starts_with(b"\xFE\xFF") => utf16(&bytes),
            None => bytes.iter().map(|byte| char::from(*byte)).collect(),
        })
    }
}

const A4: [f32; 4] = [0.0, 0.0, 595.0, 842.0];

fn show(state: &State, text: &mut Matrix, bytes: &[u8], content: &mut Content) {
    let Some(font) = &state.font else {
        content.is_cut = true;
        return;
    };
    for glyph in font.show(bytes) {
        let space = state.character_space + if glyph.is_space { state.word_space } else { 0.0 };
        let advance = (glyph.width * state.size + space) * state.scale;
        // Letter-spacing belongs to the gap behind a glyph and not to the glyph.
        let width = glyph.width * state.size * state.scale;
        let placed = text.then(state.to_page);
        let (from, to) = glyph.ink.map_or((0.0, width), |(from, to)| {
            (from * state.size * state.scale, to * state.size * state.scale)
        });
        let (start, end) = (placed.point(from, state.rise), placed.point(to, state.rise));
        let up = placed.point(from, state.rise + state.size.abs() * font.em);
        *text = Matrix::shift(advance, 0.0).then(*text);
        let size = (up.0 - start.0).hypot(up.1 - start.1);
        if ![start.0, start.1, end.0, end.1, size].iter().all(|n| n.is_finite()) {
            content.is_cut = true;
            continue;
        }
        // A baseline's direction is that of the text matrix, also for glyphs without a width.
        let (along, origin) = (placed.point(1.0, 0.0), placed.point(0.0, 0.0));
        let sign = if state.size * state.scale < 0.0 { -1.0 } else { 1.0 };
        let (x, y) = ((along.0 - origin.0) * sign, (along.1 - origin.1) * sign);
        let angle = y.atan2(x).to_degrees().round() as i16;
        let turn = |(x, y): (f32, f32)| {
            let (sin, cos) = f32::from(-angle).to_radians().sin_cos();
            (x * cos - y * sin, x * sin + y * cos)
        };
        let (start, end) = if angle == 0 { (start, end) } else { (turn(start), turn(end)) };
        content.glyphs.push(Glyph {
            text: glyph.text.map(String::from),
            left: start.0.min(end.0),
            right: start.0.max(end.0),
            y: start.1,
            size,
            angle,
            is_bold: font.is_bold,
        });
    }
}

/// Puts the text that a span stands for in the place of its glyphs: one glyph a line of them.
fn replace(glyphs: &mut Vec<Glyph>, actual: ActualText) {
    let span: Vec<Glyph> = glyphs.drain(actual.start.min(glyphs.len())..).collect();
    let Some(first) = span.first() else { return };
    let mut whole = first.clone();
    for glyph in &span {
        let same_line = glyph.angle == whole.angle && (glyph.y - whole.y).abs() < whole.size;
        if !same_line {
            // A span over several lines says nothing about which part stands where.
            glyphs.extend(span);
            return;
        }
        whole.left = whole.left.min(glyph.left);
        whole.right = whole.right.max(glyph.right);
        whole.size = whole.size.max(glyph.size);
    }
    whole.text = Some(letters::fold(&actual.text));
    glyphs.push(whole);
}
