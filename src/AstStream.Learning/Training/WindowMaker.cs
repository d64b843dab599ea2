using System.Numerics.Tensors;
using AstStream.Dsp;
using AstStream.Model.Checkpoints;

namespace AstStream.Learning.Training;

/// <summary>Makes a model's input of clips in a bank, changed at random or as they are. Threads may use it at the same time.</summary>
internal sealed class WindowMaker : IDisposable
{
    private const int MixupShape = 10;
    private const double NoiseProbability = 1.0 / 2;
    private const double RoomProbability = 1.0 / 3;
    private const double LeastSnr = 5; // dB
    private const double MostSnr = 30;
    private const double Anywhere = 0.5; // of a window, forwards or back

    private readonly SoundBank _bank;
    private readonly AugmentOptions _options;
    private readonly ThreadLocal<OnlineFbank> _fbank; // each has scratch memory that is one thread's
    private readonly FeatureNormalization _normalization;
    private readonly int _frames;
    private readonly int _bins;

    public WindowMaker(SoundBank bank, AstConfig config, ExtractorConfig extractor, AugmentOptions options)
    {
        (_bank, _options, _frames, _bins) = (bank, options, config.MaxLength, config.NumMelBins);
        _fbank = new ThreadLocal<OnlineFbank>(() => new OnlineFbank(new FbankOptions { NumMelBins = _bins }));
        _normalization = new FeatureNormalization(extractor.Mean, extractor.Std, extractor.DoNormalize);
    }

    /// <summary>Samples of a window.</summary>
    private int Samples => FbankOptions.FrameLength + ((_frames - 1) * FbankOptions.FrameShift);

    /// <summary>A clip's first window, as it is.</summary>
    public MadeWindow First(BankedClip clip, Span<float> inputs)
    {
        var wave = new float[Math.Min(clip.Count, Samples)];
        _bank.Read(clip, 0, wave);
        Fill(wave, inputs);
        return new MadeWindow(new PlacedClip(0, 0, wave.Length), default, 0);
    }

    /// <summary>A window of a clip, changed.</summary>
    /// <param name="clip">The clip.</param>
    /// <param name="other">The clip that it may be mixed with.</param>
    /// <param name="random">What is drawn.</param>
    /// <param name="inputs">Gets the window.</param>
    public MadeWindow Changed(BankedClip clip, BankedClip other, ref CountedRandom random, Span<float> inputs)
    {
        var (wave, first) = Wave(clip, ref random);
        var made = new MadeWindow(first, default, 0);
        if (random.Is(_options.Mixup))
        {
            var (second, place) = Wave(other, ref random);
            made = new MadeWindow(first, place, random.Beta(MixupShape));
            wave = Mixed(wave, second, made.Share);
        }

        if (_options.Rooms.Count > 0 && random.Is(RoomProbability))
            _options.Rooms[random.Below(_options.Rooms.Count)].Apply(wave);
        if (_options.Noise.Count > 0 && random.Is(NoiseProbability))
            AddNoise(wave, ref random);
        Fill(wave, inputs);
        Mask(inputs, ref random);
        return made;
    }

    public void Dispose() => _fbank.Dispose();

    private static float[] Mixed(float[] a, float[] b, double share)
    {
        var mixed = new float[Math.Max(a.Length, b.Length)];
        var (meanA, meanB) = (TensorPrimitives.Sum<float>(a) / a.Length, TensorPrimitives.Sum<float>(b) / b.Length);
        for (var i = 0; i < mixed.Length; i++)
            mixed[i] = (float)(((1 - share) * (i < a.Length ? a[i] - meanA : 0)) + (share * (i < b.Length ? b[i] - meanB : 0)));
        return mixed;
    }

    /// <summary>
    /// A piece of a clip that is as long as a window at most, turned in time, louder or quieter. Where it is known when its labels sound,
    /// it is turned to any place, unless none is to be turned: else a localiser learnt where in a window sounds were put.
    /// </summary>
    private (float[] Wave, PlacedClip Place) Wave(BankedClip clip, ref CountedRandom random)
    {
        var wave = new float[Math.Min(clip.Count, Samples)];
        var (place, loud) = (random.Next(), random.Between(-_options.Gain, _options.Gain));
        var (from, turn) = (0, 0);
        if (clip.Count > wave.Length)
        {
            from = (int)(place * (clip.Count - wave.Length + 1));
            _bank.Read(clip, from, wave);
        }
        else
        {
            var shift = clip.Clip.Times is not null && _options.Shift > 0 ? Anywhere : _options.Shift;
            turn = (int)Math.Round(((2 * place) - 1) * shift * Samples) % wave.Length;
            turn = turn < 0 ? turn + wave.Length : turn;
            _bank.Read(clip, wave.Length - turn, wave.AsSpan(0, turn));
            _bank.Read(clip, 0, wave.AsSpan(turn));
        }

        TensorPrimitives.Multiply(wave, (float)Math.Pow(10, loud / 20), wave);
        return (wave, new PlacedClip(from, turn, wave.Length));
    }

    private void AddNoise(float[] wave, ref CountedRandom random)
    {
        var noise = _options.Noise[random.Below(_options.Noise.Count)];
        var (from, snr) = (random.Below(noise.Length), random.Between(LeastSnr, MostSnr));
        var signal = TensorPrimitives.SumOfSquares<float>(wave) / wave.Length;
        var floor = TensorPrimitives.SumOfSquares<float>(noise) / noise.Length;
        if (floor <= 0)
            return;
        var scale = (float)Math.Sqrt(signal / floor * Math.Pow(10, -snr / 10));
        for (var i = 0; i < wave.Length; i++)
            wave[i] += scale * noise[(from + i) % noise.Length];
    }

    private void Fill(float[] wave, Span<float> inputs)
    {
        var frames = new List<float>(_frames * _bins);
        var fbank = _fbank.Value!;
        fbank.Reset();
        fbank.AppendFrames(wave, frames);
        ClipFeatures.Fill([.. frames.Take(_frames * _bins)], inputs);
        _normalization.Apply(inputs, inputs);
    }

    /// <summary>Hides a run of frames and a band: they are 0, which for normalised input is the training data's mean.</summary>
    private void Mask(Span<float> inputs, ref CountedRandom random)
    {
        var (time, band) = (random.Below(1 + (int)(_options.TimeMask * _frames)), random.Below(1 + (int)(_options.FrequencyMask * _bins)));
        var (frame, bin) = (random.Below(_frames - time + 1), random.Below(_bins - band + 1));
        inputs.Slice(frame * _bins, time * _bins).Clear();
        for (var f = 0; f < _frames; f++)
            inputs.Slice((f * _bins) + bin, band).Clear();
    }
}
