using AstStream.Dsp;
using AstStream.Streaming.Sources;

namespace AstStream.Learning;

/// <summary>A clip on its way to log-mel, a few frames at a time. At its end it tells what was odd.</summary>
internal sealed class ClipReading
{
    private readonly string _name;
    private readonly IAudioReader _reader;
    private readonly Action<string>? _warn;
    private readonly Resampler _resampler;
    private readonly OnlineFbank _fbank;
    private readonly LevelHint _level;
    private readonly float[] _input = new float[4096];
    private readonly float[] _output = new float[4096];
    private long _heard;
    private bool _isOver;

    public ClipReading(IAudioReader reader, string name, int bins, Action<string>? warn)
    {
        (_reader, _name, _warn) = (reader, name, warn);
        _resampler = new Resampler(_reader.SampleRate, FbankOptions.SampleRate);
        _fbank = new OnlineFbank(new FbankOptions { NumMelBins = bins });
        _level = new LevelHint(_reader.SampleRate);
    }

    /// <summary>The frames at hand, in whole rows.</summary>
    public float[] Rows { get; private set; } = [];

    /// <summary>
    /// Goes on to the next frames; false where there are none. A file without any frame has one call that gives nothing.
    /// </summary>
    public bool MoveNext()
    {
        var rows = new List<float>();
        while (rows.Count == 0 && !_isOver)
        {
            var read = _reader.Read(_input);
            _heard += read;
            if (read == 0)
            {
                _isOver = true;
                if (_heard == 0)
                    throw new InvalidAudioException(_reader.Truncation ?? $"{_name}: holds no sound (0 samples)");
                for (int given; (given = _resampler.Flush(_output)) > 0;)
                    _fbank.AppendFrames(_output.AsSpan(0, given), rows);
                ReportOddities();
                break;
            }

            _level.Accept(_input.AsSpan(0, read));
            for (var rest = _input.AsSpan(0, read); !rest.IsEmpty;)
            {
                _fbank.AppendFrames(_output.AsSpan(0, _resampler.Process(rest, _output, out var taken)), rows);
                rest = rest[taken..];
            }
        }

        Rows = [.. rows];
        return rows.Count > 0;
    }

    /// <summary>No more is wanted: what was odd is said.</summary>
    public void End()
    {
        if (!_isOver)
            ReportOddities();
        _isOver = true;
    }

    private void ReportOddities()
    {
        if (_reader.Warning is { } warning)
            _warn?.Invoke(warning);
        if (_level.Text is { } hint)
            _warn?.Invoke($"{_name}: {hint}");
    }
}
