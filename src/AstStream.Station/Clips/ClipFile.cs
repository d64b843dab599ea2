using AstStream.Dsp;

namespace AstStream.Station.Clips;

/// <summary>One clip's file while it is written: under a name of its own until it is whole. For one thread at a time.</summary>
internal sealed class ClipFile : IDisposable
{
    /// <summary>What stands after the name of a file that is not whole.</summary>
    public const string Unfinished = ".part";

    private readonly string _path;
    private readonly FlacWriter? _flac;
    private WavWriter? _wav;
    private float[] _scaled = [];

    /// <summary>Creates it, and its folder.</summary>
    /// <param name="path">Where it is to be once it is whole, without the extension.</param>
    /// <param name="format">The format; WAV where FLAC can't be had.</param>
    /// <param name="sampleRate">Samples a second.</param>
    /// <exception cref="IOException">It can't be created.</exception>
    /// <exception cref="UnauthorizedAccessException">Nor may it be.</exception>
    public ClipFile(string path, ClipFormat format, int sampleRate)
    {
        var isFlac = format == ClipFormat.Flac && FlacWriter.IsThere;
        _path = path + (isFlac ? ".flac" : ".wav");
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        if (isFlac)
            _flac = Open(_path + Unfinished, sampleRate);
        else
            _wav = new WavWriter(_path + Unfinished, sampleRate, 1);
    }

    /// <summary>The library makes the file before it finds out that it can't be had.</summary>
    private static FlacWriter Open(string path, int sampleRate)
    {
        try
        {
            return new FlacWriter(path, sampleRate);
        }
        catch (IOException)
        {
            File.Delete(path);
            throw;
        }
    }

    /// <summary>Appends samples.</summary>
    /// <exception cref="IOException">They can't be written.</exception>
    public void Append(ReadOnlySpan<short> samples)
    {
        if (_flac is not null)
        {
            _flac.Append(samples);
            return;
        }

        if (_scaled.Length < samples.Length)
            _scaled = new float[samples.Length];
        for (var i = 0; i < samples.Length; i++)
            _scaled[i] = samples[i] / 32768f;
        _wav!.Write(_scaled.AsSpan(0, samples.Length));
    }

    /// <summary>
    /// It is whole, and called by its name; the disk has it when the system writes it there. Returns the path, and how long it is.
    /// </summary>
    /// <exception cref="IOException">It can't be written to its end.</exception>
    public (string Path, long Bytes) Complete()
    {
        _flac?.Complete();
        _wav?.Dispose();
        _wav = null;
        File.Move(_path + Unfinished, _path, overwrite: true);
        return (_path, new FileInfo(_path).Length);
    }

    /// <summary>Closes it; where it is not whole, it is removed.</summary>
    public void Dispose()
    {
        try
        {
            _flac?.Dispose();
            _wav?.Dispose();
            File.Delete(_path + Unfinished);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The disk is full or away. What is left of it is removed at the next start.
        }
    }
}
