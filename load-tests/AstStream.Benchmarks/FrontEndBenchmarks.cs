using AstStream.Dsp;
using AstStream.Dsp.Simd;
using AstStream.LoadTest;
using BenchmarkDotNet.Attributes;

namespace AstStream.Benchmarks;

/// <summary>Log-mel frames, samples in to frames out, 100 ms at a time; the time is of one frame.</summary>
[MemoryDiagnoser]
public class FbankBenchmarks
{
    private const int Seconds = 10;
    private const int Frames = 1 + (((Seconds * FbankOptions.SampleRate) - FbankOptions.FrameLength) / FbankOptions.FrameShift);

    private readonly float[] _samples = FrontEndLines.Noise(Seconds * FbankOptions.SampleRate);
    private readonly float[] _frames = new float[16 * 128];
    private OnlineFbank _fbank = null!;

    public static IEnumerable<SimdKernel> Kernels => SimdKernels.Supported;

    [ParamsSource(nameof(Kernels))]
    public SimdKernel Kernel { get; set; }

    [GlobalSetup]
    public void Setup() => _fbank = new OnlineFbank(new FbankOptions { Kernel = Kernel });

    [Benchmark(OperationsPerInvoke = Frames)]
    public int Frame() => FrontEndLines.Run(_fbank, _samples, _frames);
}

/// <summary>One second of sound to 16 kHz; 1,000 ms over the time is how many times real time it is.</summary>
[MemoryDiagnoser]
public class ResamplerBenchmarks
{
    private const int Seconds = 10;

    private readonly float[] _output = new float[4096];
    private float[] _samples = [];
    private Resampler _resampler = null!;

    [Params(8000, 22050, 44100, 48000, 96000, 192000)]
    public int Rate { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        _samples = FrontEndLines.Noise(Seconds * Rate);
        _resampler = new Resampler(Rate, FbankOptions.SampleRate);
    }

    [Benchmark(OperationsPerInvoke = Seconds)]
    public int Second()
    {
        _resampler.Reset();
        var count = 0;
        for (var rest = _samples.AsSpan(); !rest.IsEmpty;)
        {
            count += _resampler.Process(rest, _output, out var taken);
            rest = rest[taken..];
        }

        return count;
    }
}

/// <summary>
/// Blocks of 100 ms at 44.1 kHz through resampler, log-mel and windows (1,024 frames every second), as one stream of the graph does.
/// </summary>
[MemoryDiagnoser]
public class ResampleToWindowBenchmarks : IDisposable
{
    private readonly float[] _samples = FrontEndLines.Noise(4410);
    private readonly LaneAlone _lane = new(44100);

    [Benchmark]
    public void Block() => _lane.Accept(_samples);

    [GlobalCleanup]
    public void Dispose()
    {
        _lane.Dispose();
        GC.SuppressFinalize(this);
    }
}
