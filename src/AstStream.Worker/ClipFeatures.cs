using AstStream.Connectors.Files;
using AstStream.Dsp;
using AstStream.Model.Checkpoints;

namespace AstStream.Worker;

/// <summary>The features of single clips: file to mono, to the model's rate, to log-mel, to input_values.</summary>
internal sealed class ClipFeatures(AstCheckpoint checkpoint)
{
    private readonly int _bins = checkpoint.Config.NumMelBins;
    private readonly FeatureNormalization _normalization = new(
        checkpoint.Extractor.Mean, checkpoint.Extractor.Std, checkpoint.Extractor.DoNormalize);

    /// <summary>A clip, or a part of it, as it was heard.</summary>
    /// <param name="Frames">Log-mel frames, one after the other.</param>
    /// <param name="Start">The first one, counted from the clip's start.</param>
    /// <param name="IsCut">Whether there is more of the clip than was asked for.</param>
    /// <param name="Problem">Why the clip is not whole: it was cut off, or its end can't be decoded. What is there was heard.</param>
    internal sealed record Clip(float[] Frames, long Start, bool IsCut, string? Problem);

    /// <summary>
    /// The first log-mel frames of a file, at most <paramref name="maxFrames"/>. What is odd about it and does no harm is reported.
    /// </summary>
    /// <exception cref="InvalidAudioException">The file can't be read, or has no sound.</exception>
    public Clip Read(string path, long maxFrames)
    {
        var wanted = (int)Math.Min(maxFrames, Array.MaxLength / _bins) * _bins;
        using var reading = new Reading(path, _bins);
        var frames = new List<float>();
        while (frames.Count < wanted && reading.MoveNext())
            frames.AddRange(reading.Rows);
        var isCut = frames.Count >= wanted && reading.MoveNext();
        return new Clip([.. frames.Take(wanted)], 0, isCut, reading.Problem);
    }

    /// <summary>A file in windows of so many frames, one after the other; the last one ends where the file ends.</summary>
    /// <exception cref="InvalidAudioException">The file can't be read, or has no sound.</exception>
    public IEnumerable<Clip> ReadAll(string path, int frames)
    {
        using var reading = new Reading(path, _bins);
        var window = new List<float>(); // and what was in the one before
        var (given, heard) = (0L, 0L); // frames
        while (reading.MoveNext())
        {
            window.AddRange(reading.Rows);
            heard += reading.Rows.Length / _bins;
            for (; heard - given >= frames; given += frames)
            {
                var first = window.Count - ((int)(heard - given) * _bins);
                yield return new Clip([.. window.Skip(first).Take(frames * _bins)], given, false, null);
            }

            var surplus = window.Count - ((int)Math.Min(heard, (heard - given) + frames) * _bins);
            window.RemoveRange(0, Math.Max(0, surplus));
        }

        if (heard > given || reading.Problem is not null)
        {
            var last = (int)Math.Min(heard, frames);
            yield return new Clip([.. window.TakeLast(last * _bins)], heard - last, false, reading.Problem);
        }
    }

    /// <summary>Fills a window of raw log-mel, padded with 0.0.</summary>
    public static void Fill(float[] frames, Span<float> window)
    {
        frames.CopyTo(window);
        window[frames.Length..].Clear();
    }

    /// <summary>The extractor's input_values from log-mel frames.</summary>
    public void Normalize(ReadOnlySpan<float> frames, Span<float> inputValues) => _normalization.Apply(frames, inputValues);

    /// <summary>A file on its way to log-mel, a few frames at a time. At its end it tells what was odd.</summary>
    private sealed class Reading : IDisposable
    {
        private readonly string _path;
        private readonly AudioFile _reader;
        private readonly Resampler _resampler;
        private readonly OnlineFbank _fbank;
        private readonly LevelHint _level;
        private readonly float[] _input = new float[4096];
        private readonly float[] _output = new float[4096];
        private readonly float[] _rows;
        private long _heard;
        private bool _isOver;

        public Reading(string path, int bins)
        {
            _path = path;
            _reader = AudioFile.Open(path);
            _resampler = new Resampler(_reader.SampleRate, FbankOptions.SampleRate);
            _fbank = new OnlineFbank(new FbankOptions { NumMelBins = bins });
            _level = new LevelHint(_reader.SampleRate);
            _rows = new float[16 * bins];
        }

        /// <summary>The frames at hand, in whole rows.</summary>
        public float[] Rows { get; private set; } = [];

        public string? Problem => _reader.Truncation;

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
                        throw new InvalidAudioException(_reader.Truncation ?? $"{_path}: holds no sound (0 samples)");
                    for (int given; (given = _resampler.Flush(_output)) > 0;)
                        Push(_output.AsSpan(0, given), rows);
                    Tell();
                    break;
                }

                _level.Accept(_input.AsSpan(0, read));
                for (var rest = _input.AsSpan(0, read); !rest.IsEmpty;)
                {
                    Push(_output.AsSpan(0, _resampler.Process(rest, _output, out var taken)), rows);
                    rest = rest[taken..];
                }
            }

            Rows = [.. rows];
            return rows.Count > 0;
        }

        public void Dispose()
        {
            if (!_isOver)
                Tell();
            _reader.Dispose();
        }

        private void Push(ReadOnlySpan<float> samples, List<float> rows)
        {
            while (!samples.IsEmpty)
            {
                samples = samples[_fbank.AcceptWaveform(samples)..];
                for (int n; (n = _fbank.Read(_rows)) > 0;)
                    rows.AddRange(_rows.AsSpan(0, n * _fbank.NumMelBins));
            }
        }

        private void Tell()
        {
            if (_reader.Warning is { } warning)
                Errors.Warn(warning);
            if (_level.Text is { } hint)
                Errors.Warn($"{_path}: {hint}");
        }
    }
}
