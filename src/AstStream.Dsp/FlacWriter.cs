using System.Runtime.InteropServices;

namespace AstStream.Dsp;

/// <summary>Writes a FLAC file of 16-bit mono samples as they come, with libsndfile, which the system has, or has not.</summary>
public sealed partial class FlacWriter : IDisposable
{
    private const string Library = "libsndfile.so.1";
    private const int Write = 0x20; // SFM_WRITE
    private const int Flac16 = 0x170002; // SF_FORMAT_FLAC | SF_FORMAT_PCM_16

    private static readonly Lazy<bool> s_isThere = new(() => NativeLibrary.TryLoad(Library, out _));

    private readonly string _path;
    private nint _file;

    /// <summary>Creates the file.</summary>
    /// <param name="path">The file; one that is there is replaced.</param>
    /// <param name="sampleRate">Samples a second, 8,000 to 192,000.</param>
    /// <exception cref="IOException">It can't be written.</exception>
    public FlacWriter(string path, int sampleRate)
    {
        _path = path;
        var info = new SoundFileInfo { SampleRate = sampleRate, Channels = 1, Format = Flac16 };
        _file = sf_open(path, Write, ref info);
        if (_file == 0)
            throw new IOException($"{path}: can't be written: {Marshal.PtrToStringUTF8(sf_strerror(0))}");
    }

    /// <summary>Whether the system has the library.</summary>
    public static bool IsThere => s_isThere.Value;

    /// <summary>Appends samples.</summary>
    /// <exception cref="IOException">They can't be written.</exception>
    public void Append(ReadOnlySpan<short> samples)
    {
        if (sf_write_short(_file, samples, samples.Length) != samples.Length)
            throw new IOException($"{_path}: can't be written: {Marshal.PtrToStringUTF8(sf_strerror(_file))}");
    }

    /// <summary>Writes what is left and closes the file.</summary>
    /// <exception cref="IOException">It can't be written.</exception>
    public void Complete()
    {
        var (file, error) = (_file, 0);
        _file = 0;
        if (file != 0)
            error = sf_close(file);
        if (error != 0)
            throw new IOException($"{_path}: can't be written to its end (error {error} of libsndfile); is the disk full?");
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_file != 0)
            _ = sf_close(_file);
        _file = 0;
    }

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    private static partial nint sf_open(string path, int mode, ref SoundFileInfo info);

    [LibraryImport(Library)]
    private static partial long sf_write_short(nint file, ReadOnlySpan<short> samples, long count);

    [LibraryImport(Library)]
    private static partial nint sf_strerror(nint file);

    [LibraryImport(Library)]
    private static partial int sf_close(nint file);
}
