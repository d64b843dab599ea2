using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.Text;
using AstStream.Streaming.Definitions;

namespace AstStream.Station.Targets;

/// <summary>
/// A program of this machine, run for each notification: with its own arguments alone, without a shell. What the notification says comes in
/// variables and on standard input, so that no label or stream name is ever an argument.
/// </summary>
internal sealed class CommandTarget : INoticeTarget
{
    private const int KeptError = 1000; // bytes

    private static readonly TimeSpan s_lastWords = TimeSpan.FromMilliseconds(200);

    private static readonly Key<IReadOnlyList<string>?> s_run = Keys.Texts(
        "run", "The program, by its full path, and its arguments. It gets ASTSTREAM_TITLE, _TEXT, _URGENCY, _TIME, _SUBJECT, _LINK and "
            + "_SOUND (the clip's file) as variables, and the event's record as JSON on its standard input. 0 as exit code is success.",
        required: true);

    private static readonly Key<TimeSpan?> s_timeout = Keys.Duration(
        "timeout", "How long it may run before it is ended; 20s by default.", TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(30));

    /// <summary>The type.</summary>
    public static readonly TargetType Type = new("command", "A program of this machine.", [s_run, s_timeout, AttachKey.Key], section =>
    {
        var run = section.Get(s_run) ?? [];
        if (run.Count > 0 && !Path.IsPathFullyQualified(run[0]))
            section.Problem(s_run, $"found '{run[0]}'; expected the program's full path first");
        else if (run.Count > 0 && !File.Exists(run[0]))
            section.Problem(s_run, $"there is no program {run[0]}");
        return new Settings(run, section.Get(s_timeout) ?? TimeSpan.FromSeconds(20), AttachKey.Read(section));
    });

    private readonly Settings _settings;
    private readonly TimeProvider _time;

    private CommandTarget(Settings settings, TimeProvider time) => (_settings, _time) = (settings, time);

    /// <inheritdoc/>
    public string Place => _settings.Run[0];

    /// <inheritdoc/>
    public Wanted Attachments => _settings.Attachments & Wanted.Sound;

    /// <inheritdoc/>
    public async Task SendAsync(Notice notice, NoticeFiles files, CancellationToken cancellation)
    {
        using var process = Start(notice, files);
        using var limit = new CancellationTokenSource(_settings.Timeout, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, limit.Token);
        var error = new MemoryStream();
        var said = Task.WhenAll(
            DrainAsync(process.StandardError.BaseStream, error), DrainAsync(process.StandardOutput.BaseStream, Stream.Null));
        try
        {
            await WriteAsync(process, notice, either.Token).ConfigureAwait(false);
            await process.WaitForExitAsync(either.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            End(process);
            cancellation.ThrowIfCancellationRequested();
            throw new TargetException($"{Place} did not end in {_settings.Timeout.TotalSeconds:0.#} s, and was ended");
        }

        // What it has started and left may hold its pipes for long.
        await Task.WhenAny(said, Task.Delay(s_lastWords, _time, cancellation)).ConfigureAwait(false);
        if (process.ExitCode == 0)
            return;
        string words;
        lock (error)
            words = string.Join(' ', Encoding.UTF8.GetString(error.ToArray()).Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
        throw new TargetException(
            string.Create(CultureInfo.InvariantCulture, $"{Place} ends with {process.ExitCode}{(words.Length > 0 ? ": " : "")}{words}"));
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        // It holds nothing between notifications.
    }

    private Process Start(Notice notice, NoticeFiles files)
    {
        var info = new ProcessStartInfo(_settings.Run[0], _settings.Run.Skip(1))
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var (name, value) in ((string, string?)[])
            [("TITLE", notice.Title), ("TEXT", notice.Text), ("URGENCY", notice.Urgency.ToString().ToLowerInvariant()),
                ("TIME", notice.Time.UtcDateTime.ToString("O", CultureInfo.InvariantCulture)), ("SUBJECT", notice.Subject),
                ("LINK", notice.Link), ("SOUND", files.Sound)])
            info.Environment[$"ASTSTREAM_{name}"] = (value ?? "").Replace("\0", "", StringComparison.Ordinal);
        try
        {
            return Process.Start(info)!;
        }
        catch (Win32Exception e)
        {
            throw new TargetException($"{Place} can't be started: {e.Message}");
        }
    }

    /// <summary>Reads to the end, so that its pipe does not fill; keeps the first bytes.</summary>
    private static async Task DrainAsync(Stream from, Stream to)
    {
        var buffer = new byte[4096];
        try
        {
            for (int read; (read = await from.ReadAsync(buffer).ConfigureAwait(false)) > 0;)
            {
                lock (to)
                    to.Write(buffer, 0, (int)Math.Min(read, Math.Max(0, KeptError - (to == Stream.Null ? KeptError : to.Length))));
            }
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException)
        {
            // It is over.
        }
    }

    private static async Task WriteAsync(Process process, Notice notice, CancellationToken cancellation)
    {
        try
        {
            await process.StandardInput.WriteAsync(notice.Data.AsMemory(), cancellation).ConfigureAwait(false);
            process.StandardInput.Close();
        }
        catch (IOException)
        {
            // It does not read.
        }
    }

    private static void End(Process process)
    {
        try
        {
            process.Kill(entireProcessTree: true);
        }
        catch (Exception e) when (e is InvalidOperationException or Win32Exception or NotSupportedException or AggregateException)
        {
            // It ended meanwhile.
        }
    }

    private sealed record Settings(IReadOnlyList<string> Run, TimeSpan Timeout, Wanted Attachments) : TargetSettings
    {
        public override INoticeTarget Build(TimeProvider time) => new CommandTarget(this, time);
    }
}
