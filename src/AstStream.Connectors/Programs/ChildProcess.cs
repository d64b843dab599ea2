using System.Collections.Concurrent;
using System.ComponentModel;
using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text;

namespace AstStream.Connectors.Programs;

/// <summary>
/// A program that gives sound on its standard output and says on its standard error what is wrong. It never outlives this process, however
/// that ends: the kernel ends it (on Linux, where util-linux's setpriv is there), or its broken pipe does.
/// </summary>
internal sealed partial class ChildProcess : IAsyncDisposable
{
    private const int Interrupted = 15; // SIGTERM
    private const int Killed = 9; // SIGKILL
    private const int KeptError = 4096; // bytes

    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(1);

    // The kernel ends a child with the thread that started it: that thread must live as long as the process.
    private static readonly BlockingCollection<Action> s_starts = [];
    private static readonly Lazy<bool> s_starter = new(() =>
    {
        new Thread(() =>
        {
            foreach (var start in s_starts.GetConsumingEnumerable())
                start();
        })
        { IsBackground = true, Name = "child starter" }.Start();
        return true;
    });

    private readonly Process _process;
    private readonly Task _reading;
    private readonly ManualResetEventSlim _hasSaidAll = new();
    private readonly byte[] _error = new byte[KeptError];
    private int _errorLength;
    private volatile bool _isCut;

    private ChildProcess(Process process)
    {
        _process = process;
        _reading = ReadErrorAsync(process.StandardError.BaseStream);
    }

    /// <summary>Its standard output.</summary>
    public Stream Output => _process.StandardOutput.BaseStream;

    /// <summary>Its standard input.</summary>
    public Stream Input => _process.StandardInput.BaseStream;

    /// <summary>Its exit code; null while it runs.</summary>
    public int? ExitCode => _process.HasExited ? _process.ExitCode : null;

    /// <summary>Starts a program.</summary>
    /// <param name="program">Its full path.</param>
    /// <param name="arguments">Its arguments.</param>
    /// <param name="environment">Variables that it gets besides ours.</param>
    /// <exception cref="IOException">It can't be started.</exception>
    public static async Task<ChildProcess> StartAsync(
        string program, IEnumerable<string> arguments, IReadOnlyDictionary<string, string>? environment = null)
    {
        // In a session of its own: a Ctrl-C is for us, and we end it when all is heard.
        List<string> line = [program, .. arguments];
        if (ProgramFile.Find("setpriv") is { } setpriv)
            line.InsertRange(0, [setpriv, "--pdeathsig", "KILL", "--"]);
        if (ProgramFile.Find("setsid") is { } setsid)
            line.Insert(0, setsid);
        var info = new ProcessStartInfo(
            line[0], line[1..])
        { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var (name, value) in environment ?? new Dictionary<string, string>())
            info.Environment[name] = value;
        var started = new TaskCompletionSource<Process>(TaskCreationOptions.RunContinuationsAsynchronously);
        _ = s_starter.Value;
        s_starts.Add(() =>
        {
            try
            {
                started.SetResult(Process.Start(info)!);
            }
            catch (Exception e)
            {
                started.SetException(e);
            }
        });
        try
        {
            return new ChildProcess(await started.Task.ConfigureAwait(false));
        }
        catch (Win32Exception e)
        {
            throw new IOException($"{program} can't be started: {e.Message}", e);
        }
    }

    /// <summary>The last lines that it said on its standard error, first to last; all of them once it has ended.</summary>
    public IReadOnlyList<string> LastLines(int count)
    {
        string text;
        lock (_error)
            text = Encoding.UTF8.GetString(_error, 0, _errorLength);

        // Half a line may hold half a secret, which nobody would recognise.
        if (_isCut)
            text = text[(text.IndexOf('\n', StringComparison.Ordinal) + 1)..];
        if (!_reading.IsCompleted)
            text = text[..(text.LastIndexOf('\n') + 1)];
        return [.. text.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).TakeLast(count)];
    }

    /// <summary>Waits for its end, for at most a second, and for all that it said.</summary>
    public async Task EndedAsync()
    {
        try
        {
            await _process.WaitForExitAsync().WaitAsync(s_patience).ConfigureAwait(false);
            await _reading.WaitAsync(s_patience).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            // It has closed its output and hangs; it is killed when it is disposed of.
        }
    }

    /// <summary>The same for who reads its output, and waits for that with a thread anyway.</summary>
    public void WaitForEnd()
    {
        if (_process.WaitForExit(s_patience))
            _hasSaidAll.Wait(s_patience);
    }

    /// <summary>Ends it at once: whoever reads from it reads to its end.</summary>
    public void Kill() => Signal(Killed);

    /// <summary>Asks it to end, so that it takes leave of its server; kills it when it does not.</summary>
    public async ValueTask DisposeAsync()
    {
        try
        {
            if (!_process.HasExited)
            {
                await Input.DisposeAsync().ConfigureAwait(false);
                Signal(Interrupted);
                await EndedAsync().ConfigureAwait(false);
            }

            if (!_process.HasExited)
            {
                Signal(Killed);
                await _process.WaitForExitAsync().WaitAsync(s_patience).ConfigureAwait(false);
            }
        }
        catch (Exception e) when (e is InvalidOperationException or Win32Exception or TimeoutException or IOException)
        {
            // It ended meanwhile, or the kernel holds it.
        }

        await Output.DisposeAsync().ConfigureAwait(false);
        _process.StandardError.Dispose();
        _process.Dispose();
    }

    private async Task ReadErrorAsync(Stream stream)
    {
        var buffer = new byte[1024];
        try
        {
            for (int got; (got = await stream.ReadAsync(buffer).ConfigureAwait(false)) > 0;)
            {
                lock (_error)
                {
                    var drop = Math.Max(0, _errorLength + got - _error.Length);
                    _isCut |= drop > 0;
                    _error.AsSpan(drop, _errorLength - drop).CopyTo(_error);
                    buffer.AsSpan(0, got).CopyTo(_error.AsSpan(_errorLength - drop));
                    _errorLength += got - drop;
                }
            }
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException)
        {
            // It is being disposed of.
        }
        finally
        {
            _hasSaidAll.Set();
        }
    }

    /// <summary>To it and all that it has started: they are a group of their own, where setsid is there.</summary>
    private void Signal(int signal)
    {
        try
        {
            if (_process.HasExited)
                return;
            if (NativeKill(-_process.Id, signal) != 0)
                _ = NativeKill(_process.Id, signal);
        }
        catch (InvalidOperationException)
        {
            // It is disposed of.
        }
    }

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int NativeKill(int pid, int signal);
}
