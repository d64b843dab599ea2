using AstStream.Connectors.Programs;
using AstStream.Dsp;
using AstStream.Streaming.Sources;

namespace AstStream.Connectors.Files;

/// <summary>
/// A file of sound, read front to back: WAV by our own reader, every other format through ffmpeg. Gives mono floats at its own rate.
/// </summary>
public sealed class AudioFile : IAudioReader
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30); // for a file's first sound
    private static readonly TimeSpan s_stall = TimeSpan.FromSeconds(30); // for more of it

    private readonly WavReader _reader;
    private readonly ChildProcess? _ffmpeg;
    private readonly SecretUrl? _url;
    private readonly Watched? _watched; // what ffmpeg gives
    private readonly int _track;
    private string? _failure;
    private bool _isSilent = true; // all of it so far is exactly zero

    private AudioFile(WavReader reader) => _reader = reader;

    private AudioFile(WavReader reader, ChildProcess ffmpeg, Watched watched, SecretUrl url, int track) =>
        (_reader, _ffmpeg, _watched, _url, _track) = (reader, ffmpeg, watched, url, track);

    /// <summary>Samples a second.</summary>
    public int SampleRate => _reader.Format.SampleRate;

    /// <summary>
    /// Set when the file is cut off, or its end could not be decoded: the error to give. Some of it is known at the start, all of it at the
    /// end.
    /// </summary>
    public string? Truncation => _failure ?? (_ffmpeg is null ? _reader.Truncation : null);

    /// <summary>The warning to give at the end, about odd samples and lengths; null where all is well.</summary>
    public string? Warning => _ffmpeg is not null && _isSilent && _failure is null
        ? $"{_reader.Name}: every sample is exactly zero; if it has other tracks of sound, track: {_track + 1} hears the next one"
        : _reader.Warning;

    /// <summary>Opens a file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="channel">The channel to hear, from 0; null for the mean of all.</param>
    /// <param name="stop">Gives up waiting for ffmpeg.</param>
    /// <exception cref="InvalidAudioException">It is missing, or can't be read.</exception>
    public static async Task<AudioFile> OpenAsync(string path, int? channel = null, CancellationToken stop = default)
    {
        try
        {
            return new AudioFile(WavReader.Open(path, channel));
        }
        catch (InvalidAudioException e) when (e.IsOtherFormat)
        {
            if (SmallFlac.TryOpen(path, channel) is { } flac)
                return new AudioFile(flac);
            if (Page(path) is { } page)
                throw new InvalidAudioException($"{path}: {page}");
            if (ProgramFile.Find("ffmpeg") is null)
                throw new InvalidAudioException($"{e.Message}; {Ffmpeg.Missing}");
            try
            {
                return await OpenWithFfmpegAsync(new SecretUrl(Path.GetFullPath(path)), [], 0, channel, stop, path).ConfigureAwait(false);
            }
            catch (InvalidAudioException f)
            {
                throw new InvalidAudioException($"{e.Message}; nor what ffmpeg can read: {f.Message[(path.Length + 2)..]}");
            }
        }
    }

    /// <summary>Opens a file, or a URL that ends, through ffmpeg.</summary>
    /// <param name="url">What it is.</param>
    /// <param name="options">Further options of ffmpeg for its input.</param>
    /// <param name="track">Which of several tracks of sound, from 0.</param>
    /// <param name="channel">The channel to hear, from 0; null for the mean of all.</param>
    /// <param name="stop">Gives up waiting for ffmpeg.</param>
    /// <param name="shown">How it is called in messages, where not by its address.</param>
    /// <param name="stall">How long ffmpeg may give nothing while more is asked for; 30 s by default.</param>
    internal static async Task<AudioFile> OpenWithFfmpegAsync(
        SecretUrl url, IReadOnlyList<string> options, int track, int? channel, CancellationToken stop,
        string? shown = null, TimeSpan? stall = null)
    {
        var name = shown ?? url.Shown;
        var isFile = !SecretUrl.IsUrl(url.Value);
        if (isFile && !File.Exists(url.Value) && !UnixName.HasEscapes(url.Value))
            throw new InvalidAudioException(
                Directory.Exists(url.Value) ? $"{name}: is a folder; expected a file" : $"{name}: no such file");
        FileStream? held = null; // a file whose name no argument can hold
        ChildProcess child;
        try
        {
            held = isFile && UnixName.HasEscapes(url.Value) ? RegularFile.Open(url.Value) : null;
            child = await Ffmpeg.StartAsync(
                held is null ? FfmpegInput.Of(url.Value, options) : FfmpegInput.OfDescriptor((int)held.SafeFileHandle.DangerousGetHandle()),
                track).ConfigureAwait(false);
        }
        catch (Exception e) when (e is LinkException or IOException or UnauthorizedAccessException)
        {
            held?.Dispose();
            throw new InvalidAudioException($"{name}: {e.Message}");
        }

        try
        {
            var first = new byte[1];
            using var patience = CancellationTokenSource.CreateLinkedTokenSource(stop);
            patience.CancelAfter(s_patience);
            if (await child.Output.ReadAsync(first, patience.Token).ConfigureAwait(false) == 0)
            {
                await child.EndedAsync().ConfigureAwait(false);
                throw new InvalidAudioException(
                    $"{name}: {Ffmpeg.Words(child, url, track) ?? "ffmpeg gave no sound, and did not say why"}");
            }

            var watched = new Watched(first[0], child, held, stall ?? s_stall);
            return new AudioFile(new WavReader(watched, name, channel), child, watched, url, track);
        }
        catch (OperationCanceledException) when (!stop.IsCancellationRequested)
        {
            held?.Dispose();
            await child.DisposeAsync().ConfigureAwait(false);
            throw new InvalidAudioException($"{name}: ffmpeg gave no sound within {s_patience.TotalSeconds} s; ffmpeg said: "
                + $"{Ffmpeg.Words(child, url, track) ?? "nothing"}");
        }
        catch
        {
            held?.Dispose();
            await child.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Fills <paramref name="samples"/> and returns how many; 0 at the end.</summary>
    public int Read(Span<float> samples)
    {
        var read = _reader.Read(samples);
        _isSilent &= !samples[..read].ContainsAnyExcept(0f);
        if (read == 0 && _ffmpeg is not null && _failure is null)
            _failure = Failure();
        return read;
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (_ffmpeg is not null)
            await _ffmpeg.DisposeAsync().ConfigureAwait(false);
        _reader.Dispose();
    }

    /// <summary>
    /// Plays a file into a pipeline, as one stream, to its end; what is wrong with it is reported there. Returns whether there was sound
    /// in it, or it was not read to its end.
    /// </summary>
    internal static async Task<bool> PlayAsync(
        Func<Task<AudioFile>> open, FilePlay play, SourceOutput output, CancellationToken stop, CancellationToken cancellation)
    {
        var pace = play.Pace;
        try
        {
            await using var file = await open().ConfigureAwait(false);
            await using var abort = stop.Register(() => file._ffmpeg?.Kill()).ConfigureAwait(false);
            await using var abandon = cancellation.Register(() => file._ffmpeg?.Kill()).ConfigureAwait(false);
            var rate = file.SampleRate;
            var stream = new StreamInfo(play.Id, output.Source, pace?.GetUtcNow() ?? play.StartTime)
            {
                Clock = pace is null ? null : output.MarkClock(),
                Delivery = play.Delivery,
            };
            var pacer = pace is null ? null : new Pacer(pace, rate);
            var size = Math.Max(1, (int)(play.Block.TotalSeconds * rate));
            long position = 0;
            var isWhole = false;
            try
            {
                while (!stop.IsCancellationRequested)
                {
                    var block = AudioBlock.Rent(stream, position, rate, size);
                    var read = file.ReadInto(block);
                    if (read == 0)
                    {
                        block.Return();
                        break;
                    }

                    block.Resize(read);
                    position += read;
                    if (pacer is not null && !await pacer.WaitUntilAsync(position, stop).ConfigureAwait(false))
                    {
                        position -= read;
                        block.Return();
                        break;
                    }

                    await output.WriteAsync(block, cancellation).ConfigureAwait(false);
                }

                isWhole = position > 0 && !stop.IsCancellationRequested;
            }
            finally
            {
                if (play.Delivery is not null && !isWhole)
                    await output.AbandonAsync(stream, cancellation).ConfigureAwait(false);
                else
                    await output.EndAsync(stream, rate, position, cancellation).ConfigureAwait(false);
            }

            if (stop.IsCancellationRequested)
                return true;
            if (file.Truncation is { } truncation)
                output.Fail(truncation);
            else if (position == 0)
                output.Fail($"{file._reader.Name}: holds no sound (0 samples)");
            if (file.Warning is { } warning)
                output.Warn(warning);
            return position > 0;
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested && !cancellation.IsCancellationRequested)
        {
            return true; // asked to drain before there was any sound
        }
        catch (InvalidAudioException e)
        {
            output.Fail(e.Message);
            return false;
        }
    }

    /// <summary>Reads into a block, which goes back to its pool if that fails.</summary>
    private int ReadInto(AudioBlock block)
    {
        try
        {
            return Read(block.Samples);
        }
        catch
        {
            block.Return();
            throw;
        }
    }

    /// <summary>
    /// What ffmpeg had to say at the end of the sound: of a file that is cut off or broken in the middle it gives what it can.
    /// </summary>
    private string? Failure()
    {
        _ffmpeg!.WaitForEnd();
        if (_watched!.HasStalled)
            return $"{_reader.Name}: ffmpeg gave nothing more for {_watched.Patience.TotalSeconds:0} s, and was ended; what came before "
                + $"is heard";
        var words = Ffmpeg.Words(_ffmpeg, _url!, _track);
        return words is null && _ffmpeg.ExitCode is 0 or null ? null
            : $"{_reader.Name}: could not all be decoded; ffmpeg said: {words ?? $"nothing, and ended with code {_ffmpeg.ExitCode}"}";
    }

    /// <summary>What a file is that is no sound but a web page, or a pointer of Git LFS; null where it is neither.</summary>
    private static string? Page(string path)
    {
        try
        {
            using var file = RegularFile.Open(path);
            Span<byte> start = stackalloc byte[512];
            var text = System.Text.Encoding.Latin1.GetString(
                start[..file.ReadAtLeast(start, start.Length, throwOnEndOfStream: false)]).TrimStart();
            if (text.StartsWith("<!doctype html", StringComparison.OrdinalIgnoreCase)
                || text.StartsWith("<html", StringComparison.OrdinalIgnoreCase))
                return "is an HTML page in place of sound; was it downloaded from a page that asks to log in, or that only links to "
                    + "the file?";
            return text.StartsWith("version https://git-lfs", StringComparison.Ordinal)
                ? "is a pointer of Git LFS in place of the file; git lfs pull brings that" : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>
    /// A decoder's output whose first byte was read to see whether there is one. A decoder that gives nothing for too long while it is
    /// asked is ended.
    /// </summary>
    private sealed class Watched : Stream
    {
        private readonly byte _first;
        private readonly ChildProcess _child;
        private readonly FileStream? _held;
        private readonly Timer _stall;
        private bool _isGiven;
        private volatile bool _hasStalled;

        public Watched(byte first, ChildProcess child, FileStream? held, TimeSpan patience)
        {
            (_first, _child, _held, Patience) = (first, child, held, patience);
            _stall = new Timer(_ =>
            {
                _hasStalled = true;
                child.Kill(); // the read that waits comes to its end
            });
        }

        public TimeSpan Patience { get; }

        public bool HasStalled => _hasStalled;

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

        public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

        public override int Read(Span<byte> buffer)
        {
            if (_isGiven || buffer.IsEmpty)
            {
                _stall.Change(Patience, Timeout.InfiniteTimeSpan);
                var read = _child.Output.Read(buffer);
                _stall.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
                return read;
            }

            _isGiven = true;
            buffer[0] = _first;
            return 1;
        }

        public override void Flush() => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        protected override void Dispose(bool disposing)
        {
            _stall.Dispose();
            _held?.Dispose();
            base.Dispose(disposing);
        }
    }
}
