using System.ComponentModel;
using System.Diagnostics;
using AstStream.Connectors.Programs;

namespace AstStream.Worker.Setup;

/// <summary>Small programs of the system that are asked something.</summary>
internal static class Programs
{
    private const int MostOutput = 65_536; // characters

    /// <summary>Runs a program to its end.</summary>
    /// <param name="program">Its name.</param>
    /// <param name="arguments">Its arguments.</param>
    /// <param name="patience">How long it may take; then it is ended.</param>
    /// <param name="stop">Ends it.</param>
    /// <returns>Its exit code and the beginning of what it said, errors too; null where it is not installed or took too long.</returns>
    public static async Task<(int Code, string Output)?> RunAsync(
        string program, IReadOnlyList<string> arguments, TimeSpan patience, CancellationToken stop)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(stop);
        deadline.CancelAfter(patience);
        if (ProgramFile.Find(program) is not { } path)
            return null;
        Process process;
        try
        {
            process = Process.Start(new ProcessStartInfo(path, arguments)
            {
                RedirectStandardInput = true,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            })!;
        }
        catch (Win32Exception)
        {
            return null; // it can't be started
        }

        using (process)
        {
            process.StandardInput.Close();
            var said = Task.WhenAll(ReadAsync(process.StandardOutput, deadline.Token), ReadAsync(process.StandardError, deadline.Token));
            try
            {
                await process.WaitForExitAsync(deadline.Token).ConfigureAwait(false);
                return (process.ExitCode, string.Concat(await said.ConfigureAwait(false)));
            }
            catch (OperationCanceledException)
            {
                process.Kill(entireProcessTree: true);
                stop.ThrowIfCancellationRequested();
                return null;
            }
        }
    }

    private static async Task<string> ReadAsync(StreamReader from, CancellationToken stop)
    {
        var (kept, buffer) = (new System.Text.StringBuilder(), new char[4096]);
        int read;
        while ((read = await from.ReadAsync(buffer, stop).ConfigureAwait(false)) > 0)
            kept.Append(buffer, 0, Math.Min(read, MostOutput - kept.Length));
        return kept.ToString();
    }
}
