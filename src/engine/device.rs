//! Where a model computes: the choice as given on the command line, and what it comes to on this machine.

use std::fmt;
use std::str::FromStr;

use candle_core::DType;

use super::EngineError;

/// `--device`
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum DeviceChoice {
    /// A GPU if this build and machine have one, else the CPU.
    #[default]
    Auto,
    /// The CPU, in int8.
    Cpu,
    /// The CUDA device with this number.
    Cuda(usize),
    /// Apple's GPU.
    Metal,
}

impl FromStr for DeviceChoice {
    type Err = String;

    fn from_str(s: &str) -> Result<Self, Self::Err> {
        match s {
            "auto" => Ok(DeviceChoice::Auto),
            "cpu" => Ok(DeviceChoice::Cpu),
            "cuda" => Ok(DeviceChoice::Cuda(0)),
            "metal" => Ok(DeviceChoice::Metal),
            _ => s
                .strip_prefix("cuda:")
                .and_then(|n| n.parse().ok())
                .map(DeviceChoice::Cuda)
                .ok_or_else(|| format!("`{s}` is no device; auto, cpu, cuda, cuda:N and metal are")),
        }
    }
}

impl fmt::Display for DeviceChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DeviceChoice::Auto => f.write_str("auto"),
            DeviceChoice::Cpu => f.write_str("cpu"),
            DeviceChoice::Cuda(n) => write!(f, "cuda:{n}"),
            DeviceChoice::Metal => f.write_str("metal"),
        }
    }
}

/// A device that is there.
#[derive(Debug, Clone)]
pub enum Device {
    /// The CPU.
    Cpu,
    /// A GPU, through candle.
    Gpu(candle_core::Device),
}

/// The numbers a model computes with.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Precision {
    /// What the family is fast and good with on the device.
    #[default]
    Auto,
    /// 32 bits: the reference.
    F32,
    /// 16 bits, IEEE half.
    F16,
    /// 16 bits with the range of 32.
    Bf16,
}

impl FromStr for Precision {
    type Err = String;

    fn from_str(s: &str) -> Result<Self, Self::Err> {
        match s {
            "auto" => Ok(Precision::Auto),
            "f32" => Ok(Precision::F32),
            "f16" => Ok(Precision::F16),
            "bf16" => Ok(Precision::Bf16),
            _ => Err(format!("`{s}` is no precision; auto, f32, f16 and bf16 are")),
        }
    }
}

impl fmt::Display for Precision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Precision::Auto => f.write_str("auto"),
            _ => f.write_str(self.name()),
        }
    }
}

impl Precision {
    /// Of tensors; `Auto` is f32.
    pub fn dtype(self) -> DType {
        match self {
            Precision::Auto | Precision::F32 => DType::F32,
            Precision::F16 => DType::F16,
            Precision::Bf16 => DType::BF16,
        }
    }

    /// The name of [`Precision::dtype`].
    pub fn name(self) -> &'static str {
        self.dtype().as_str()
    }
}

/// How to load a model.
#[derive(Debug, Clone)]
pub struct LoadOptions {
    /// Where it computes.
    pub device: Device,
    /// CPU threads.
    pub threads: usize,
    /// With what.
    pub precision: Precision,
}

impl DeviceChoice {
    /// Opens the device. A device asked for by name that is not there is an error; `auto` falls back to the CPU.
    pub fn open(self) -> Result<Device, EngineError> {
        match self {
            DeviceChoice::Cpu => Ok(Device::Cpu),
            DeviceChoice::Auto => {
                let gpu = cuda(0).or_else(|_| metal());
                Ok(gpu.map_or(Device::Cpu, Device::Gpu))
            }
            DeviceChoice::Cuda(n) => cuda(n).map(Device::Gpu),
            DeviceChoice::Metal => metal().map(Device::Gpu),
        }
    }
}

fn cuda(ordinal: usize) -> Result<candle_core::Device, EngineError> {
    if !cfg!(feature = "cuda") {
        return Err(not_built("cuda"));
    }
    candle_core::Device::new_cuda(ordinal).map_err(|e| absent(&format!("cuda:{ordinal}"), &e))
}

fn metal() -> Result<candle_core::Device, EngineError> {
    if !cfg!(feature = "metal") {
        return Err(not_built("metal"));
    }
    candle_core::Device::new_metal(0).map_err(|e| absent("metal", &e))
}

fn not_built(feature: &str) -> EngineError {
    EngineError::Device(format!(
        "this build has no {feature} support\nhint: build with `cargo build --release --features {feature}`, or use --device cpu"
    ))
}

fn absent(name: &str, error: &candle_core::Error) -> EngineError {
    EngineError::Device(format!(
        "device {name} cannot be opened: {}\nhint: use --device cpu",
        super::first_line(error)
    ))
}

/// The vector instructions of this processor that the kernels use, for people.
pub fn simd() -> String {
    #[cfg(target_arch = "x86_64")]
    {
        let mut found = Vec::new();
        for (name, present) in [
            ("AVX2", is_x86_feature_detected!("avx2")),
            ("FMA", is_x86_feature_detected!("fma")),
            ("AVX-512", is_x86_feature_detected!("avx512f")),
            ("AVX-512-VNNI", is_x86_feature_detected!("avx512vnni")),
        ] {
            if present {
                found.push(name);
            }
        }
        if found.is_empty() { "SSE2 only".into() } else { found.join(" ") }
    }
    #[cfg(target_arch = "aarch64")]
    {
        "NEON".into()
    }
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    {
        "none".into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_and_written_alike() {
        for name in ["auto", "cpu", "cuda:3", "metal"] {
            assert_eq!(name.parse::<DeviceChoice>().unwrap().to_string(), name);
        }
        assert_eq!("cuda".parse(), Ok(DeviceChoice::Cuda(0)));
        for wrong in ["gpu", "cuda:", "cuda:x", ""] {
            assert!(wrong.parse::<DeviceChoice>().unwrap_err().contains("cuda:N"));
        }
    }

    #[cfg(not(feature = "cuda"))]
    #[test]
    fn a_device_that_is_not_built_in_says_how_to_get_it() {
        let error = DeviceChoice::Cuda(0).open().unwrap_err().to_string();
        assert!(error.contains("--features cuda") && error.contains("hint:"), "{error}");
        assert!(matches!(DeviceChoice::Auto.open(), Ok(Device::Cpu)) || cfg!(feature = "metal"));
    }
}
