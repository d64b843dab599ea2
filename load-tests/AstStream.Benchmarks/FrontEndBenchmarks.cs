using AstStream.Dsp;
using AstStream.Streaming;
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

/// <summary>Blocks of 100 ms at 44.1 kHz through resampler, log-mel and windows (1,024 frames every second), as one stream of the graph does.</summary>
[MemoryDiagnoser]
public class ResampleToWindowBenchmarks
{
    private readonly StreamInfo _stream = new("s", "s");
    private readonly float[] _samples = FrontEndLines.Noise(4410);
    private readonly List<FeatureWindow> _windows = [];
    private readonly WindowScheduler _scheduler;
    private readonly WindowScheduler.SessionPort _session;
    private readonly LaneNode _lane;
    private long _position;

    public ResampleToWindowBenchmarks()
    {
        var report = new RunReport();
        _scheduler = new WindowScheduler("m", new WindowOptions(1024, 100, 128), new BatchOptions(), TimeProvider.System, report);
        _session = _scheduler.AddSession(64, preparesAhead: false);
        _lane = new LaneNode("lane", new Edge<AudioBlock>("lane", 1), [_scheduler], isLive: true, report);
    }

    [Benchmark]
    public void Block()
    {
        var block = AudioBlock.Rent(_stream, _position, 44100, _samples.Length);
        _samples.CopyTo(block.Samples);
        _position += _samples.Length;
        _lane.Process(block);
        block.Return();
        if (_session.Take(_windows) == 0)
            return;
        _session.Started(_windows.Count);
        _session.Ended(_windows.Count, TimeSpan.FromMilliseconds(1));
        _session.Scored(_windows);
        _windows.Clear();
        _scheduler.TakeDecided(_windows, 64);
        _scheduler.Decoded(_windows);
    }
}
