using System.ComponentModel;
using System.Diagnostics;
using System.Text;

namespace AstStream.Connectors.Programs;

/// <summary>Small programs of the system that are asked something, and answer in text.</summary>
public static class SystemProgram
{
    /// <summary>Runs a program to its end, without input and in a neutral language.</summary>
    /// <param name="program">Its name, which is looked for in PATH.</param>
    /// <param name="arguments">Its arguments.</param>
    /// <param name="patience">How long it, and all that holds its output, may take; then it is ended.</param>
    /// <param name="stop">Ends it.</param>
    /// <param name="most">The characters that are kept of what it says, and of its errors.</param>
    /// <returns>Its exit code, what it said, and its errors; null where it is not installed or took too long.</returns>
    /// <exception cref="OperationCanceledException"><paramref name="stop"/> was cancelled.</exception>
    public static async Task<(int Code, string Output, string Error)?> RunAsync(
        string program, IReadOnlyList<string> arguments, TimeSpan patience, CancellationToken stop, int most = 65_536)
    {
        if (ProgramFile.Find(program) is not { } path)
            return null;
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(stop);
        deadline.CancelAfter(patience);
        var start = new ProcessStartInfo(path, arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["LC_ALL"] = "C.UTF-8";
        Process process;
        try
        {
            process = Process.Start(start)!;
        }
        catch (Win32Exception)
        {
            return null; // it can't be started
        }

        using (process)
        {
            try
            {
                process.StandardInput.Close();
                var said = ReadAsync(process.StandardOutput, most, deadline.Token);
                var error = ReadAsync(process.StandardError, most, deadline.Token);
                await process.WaitForExitAsync(deadline.Token).ConfigureAwait(false);
                return (process.ExitCode, await said.ConfigureAwait(false), await error.ConfigureAwait(false));
            }
            catch (OperationCanceledException)
            {
                if (!process.HasExited)
                    process.Kill(entireProcessTree: true);
                stop.ThrowIfCancellationRequested();
                return null;
            }
        }
    }

    /// <summary>Reads to the end, so that its pipe does not fill; keeps the beginning.</summary>
    private static async Task<string> ReadAsync(StreamReader from, int most, CancellationToken stop)
    {
        var (kept, buffer) = (new StringBuilder(), new char[4096]);
        int read;
        while ((read = await from.ReadAsync(buffer, stop).ConfigureAwait(false)) > 0)
            kept.Append(buffer, 0, Math.Min(read, most - kept.Length));
        return kept.ToString();
    }
}
