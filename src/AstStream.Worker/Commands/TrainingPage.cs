using System.Globalization;
using System.Text;
using AstStream.Learning.Training;

namespace AstStream.Worker.Commands;

/// <summary>How a training went, to look at and to read by programs.</summary>
internal static class TrainingPage
{
    /// <summary>Curves and a table.</summary>
    public static string Of(string name, FineTuned tuned)
    {
        var page = new HtmlPage($"{name}: how it was trained");
        page.Paragraph(
            $"Epoch {tuned.Best} is the one whose weights were taken: the highest mAP on clips of recordings that were not learnt from "
                + "(of a localiser alone the least loss). "
                + "Epoch 0 is the head that the training began with.");
        var most = Math.Max(1, tuned.Epochs[^1].Epoch);
        (string, IEnumerable<(double, double)>, bool) Series(string of, Func<EpochResult, double> value) =>
            (of, tuned.Epochs.Where(e => double.IsFinite(value(e))).Select(e => ((double)e.Epoch, value(e))), false);
        double Top(Func<EpochResult, double> value) =>
            tuned.Epochs.Select(value).Where(double.IsFinite).DefaultIfEmpty(1).Max() is > 0 and var top ? 1.05 * top : 1;
        IEnumerable<(string, IEnumerable<(double, double)>, bool)> Others()
        {
            if (tuned.Epochs.Any(e => double.IsFinite(e.Places)))
                yield return Series("places, F1", e => e.Places);
            if (tuned.Epochs.Any(e => double.IsFinite(e.Kept)))
                yield return Series("as the base", e => e.Kept);
        }

        page.Figures(
        [
            ("Loss of the steps", SvgPlot.Lines("epoch", "loss", most, Top(e => e.Loss), Series("learnt from", e => e.Loss))),
            ("Loss of the other recordings",
                SvgPlot.Lines("epoch", "loss", most, Top(e => e.OtherLoss), Series("not learnt from", e => e.OtherLoss))),
            ("Right", SvgPlot.Lines(
                "epoch", "share", most, 1, [Series("mAP", e => e.MeanAveragePrecision), Series("top-1", e => e.Top1), .. Others()])),
        ]);
        page.Table(Rows(tuned).Prepend(["epoch", "loss", "validation loss", "mAP", "top-1", "places", "kept", "rate", "seconds"]));
        return page.ToString();
    }

    /// <summary>A row an epoch.</summary>
    public static string Csv(FineTuned tuned)
    {
        var text = new StringBuilder("epoch,loss,validation_loss,map,top1,places,kept,rate,seconds\n");
        foreach (var row in Rows(tuned))
            text.AppendJoin(',', row).Append('\n');
        return text.ToString();
    }

    private static IEnumerable<string[]> Rows(FineTuned tuned) => tuned.Epochs.Select(e => (string[])
    [
        $"{e.Epoch}", HtmlPage.Number(e.Loss, "0.00000"), HtmlPage.Number(e.OtherLoss, "0.00000"),
        HtmlPage.Number(e.MeanAveragePrecision, "0.0000"), HtmlPage.Number(e.Top1, "0.0000"),
        HtmlPage.Number(e.Places, "0.0000"), HtmlPage.Number(e.Kept, "0.0000"),
        e.Rate.ToString("0.00e0", CultureInfo.InvariantCulture), HtmlPage.Number(e.Seconds, "0.0"),
    ]);
}
