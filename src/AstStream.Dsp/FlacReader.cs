using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace AstStream.Dsp;

/// <summary>Decodes FLAC files in memory with libsndfile, which the system has, or has not.</summary>
public static unsafe partial class FlacReader
{
    private const string Library = "libsndfile.so.1";
    private const int Read = 0x10; // SFM_READ
    private const int AtOnce = 16_384; // samples of all channels

    /// <summary>Decodes a file.</summary>
    /// <param name="data">The file.</param>
    /// <param name="most">The most samples, of all channels together; a small file can hold very many.</param>
    /// <param name="samples">Receives the samples, interleaved, in [-1, 1].</param>
    /// <returns>Their format.</returns>
    /// <exception cref="InvalidAudioException">It is no FLAC file, is broken, or too long; or the library is missing.</exception>
    public static PcmFormat Decode(ReadOnlySpan<byte> data, int most, List<float> samples)
    {
        // The library would take any of its formats.
        if (!data.StartsWith("fLaC"u8))
            throw new InvalidAudioException("no FLAC file: it does not begin with fLaC");
        fixed (byte* bytes = data)
        {
            var file = new File { Bytes = bytes, Length = data.Length };
            var access = new Access { Length = &LengthOf, Seek = &Seek, Read = &ReadBytes, Write = &Write, Tell = &Tell };
            var info = default(SoundFileInfo);
            nint handle;
            try
            {
                handle = sf_open_virtual(&access, Read, &info, &file);
            }
            catch (DllNotFoundException)
            {
                throw new InvalidAudioException("FLAC needs libsndfile, which is not installed: apt-get install libsndfile1");
            }

            if (handle == 0)
                throw new InvalidAudioException("a FLAC file that can't be read: its header is broken");
            try
            {
                var format = new PcmFormat(PcmEncoding.F32, info.SampleRate, info.Channels);
                format.Validate("a FLAC file");
                var buffer = stackalloc float[AtOnce];
                for (long frames; (frames = sf_readf_float(handle, buffer, AtOnce / info.Channels)) > 0;)
                {
                    samples.AddRange(new ReadOnlySpan<float>(buffer, (int)frames * info.Channels));
                    if (samples.Count > most)
                        throw new InvalidAudioException(
                            $"a FLAC file of more than {most / info.Channels} samples, the most that is taken");
                }

                // An encoder that writes to a pipe does not know how long it will be.
                var isShort = info.Frames != long.MaxValue && samples.Count != info.Frames * info.Channels;
                if (isShort || sf_error(handle) != 0)
                    throw new InvalidAudioException(
                        $"a FLAC file that breaks off: {samples.Count / info.Channels} of {info.Frames} samples can be read");
                return format;
            }
            finally
            {
                _ = sf_close(handle);
            }
        }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static long LengthOf(File* file) => file->Length;

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static long Tell(File* file) => file->Position;

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static long Write(void* source, long count, File* file) => 0;

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static long Seek(long offset, int whence, File* file) =>
        file->Position = Math.Clamp(
            whence switch { 0 => offset, 1 => file->Position + offset, _ => file->Length + offset }, 0, file->Length);

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static long ReadBytes(void* target, long count, File* file)
    {
        count = Math.Clamp(count, 0, file->Length - file->Position);
        Buffer.MemoryCopy(file->Bytes + file->Position, target, count, count);
        file->Position += count;
        return count;
    }

    [LibraryImport(Library)]
    private static partial nint sf_open_virtual(Access* access, int mode, SoundFileInfo* info, File* file);

    [LibraryImport(Library)]
    private static partial long sf_readf_float(nint handle, float* samples, long frames);

    [LibraryImport(Library)]
    private static partial int sf_error(nint handle);

    [LibraryImport(Library)]
    private static partial int sf_close(nint handle);

    /// <summary>What the library's callbacks read.</summary>
    private struct File
    {
        public byte* Bytes;
        public long Length;
        public long Position;
    }

    /// <summary>SF_VIRTUAL_IO.</summary>
    private struct Access
    {
        public delegate* unmanaged[Cdecl]<File*, long> Length;
        public delegate* unmanaged[Cdecl]<long, int, File*, long> Seek;
        public delegate* unmanaged[Cdecl]<void*, long, File*, long> Read;
        public delegate* unmanaged[Cdecl]<void*, long, File*, long> Write;
        public delegate* unmanaged[Cdecl]<File*, long> Tell;
    }
}
